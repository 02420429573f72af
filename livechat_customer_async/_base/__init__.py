"""What every room may use: checks, the clock. It knows nothing of LiveChat, HTTP or models."""
