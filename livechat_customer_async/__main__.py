"""Run `python -m livechat_customer_async`: the command line `livechat-customer`."""

from .cli import main

main()
