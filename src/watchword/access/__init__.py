"""Who asks, and what they may do: principals, permissions, and the rules compiled from them."""
