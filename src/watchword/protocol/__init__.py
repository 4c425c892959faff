"""The waist: the few operations that come in, the outcomes and events that go out, and what a dialect is."""
