"""What one call goes through: token, slot, attempt, retry, result."""
