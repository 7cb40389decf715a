"""The networks that a state dict can be loaded into, and how to find the one that fits."""
