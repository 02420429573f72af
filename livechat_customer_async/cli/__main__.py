"""Run `python -m livechat_customer_async.cli`."""

from . import main

main()
