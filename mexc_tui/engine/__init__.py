"""The workers, and the ports through which they reach anything that can be swapped."""
