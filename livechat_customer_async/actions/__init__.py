"""The 25 actions in their namespaces: each with its request models, its `Action`s and its coroutines."""
