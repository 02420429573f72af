"""HTTP/1.1 over `asyncio.Protocol`: `engine` is the way in. It knows httpx's URLs and errors, nothing of LiveChat."""
