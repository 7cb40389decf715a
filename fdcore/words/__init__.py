"""Do the words agree? The names of what was found, and what the suspect is claimed to do (paper section 5.3)."""
