"""The networks that a state dict can be loaded into, and the search for the one that fits."""
