"""The identity core: users, passwords, sessions, tokens, and the rights that follow from them."""
