"""What a case's files are called."""

CHOICES_FILE = "choices.json"
WORDS_FILE = "verification/words.json"
KEPT_FILE = "verification/word_vectors.npz"
