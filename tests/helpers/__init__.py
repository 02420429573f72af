"""Helpers shared by the tests. What only one folder uses as fixtures lies in that folder's `conftest.py`.

Sessions and time
    sessions      sessions with test defaults, started chats, waiting without sleeping
    virtual_time  an event loop that never sleeps: its clock jumps to the next timer
    skipping      a clock for sessions over real sockets whose sleeps return at once

Transports without a socket
    transports    scripted answers, and answers after a delay
    recording     records the requests it answers
    scripted      scripted per action, with delays, statuses and faults

Servers on 127.0.0.1
    byte_server   responses scripted byte by byte
    quick_server  responds after a random number of event loop turns
    proxies       CONNECT and SOCKS 5 proxies
    sandbox_api   a raw client of the sandbox

Servers in virtual time
    simulator     servers with rate limits of every kind, and a client that finds its pace

Samples of the API's documents
    samples       loads `tests/samples`
    drives        the calls that produce each request sample
    readings      assertions on the result of each response sample
    multipart     parses multipart bodies independently of the package

Faults and data
    matrix        the expected outcome of each fault
    subjects      one action of each replay class
    storm         concurrent calls cancelled at random moments
    strategies    hypothesis strategies for models, JSON and everything else
    uploads       upload sources of every kind, and a server that records uploads
"""
