"""What a case's files are called."""

WORDS_FILE = "verification/words.json"
KEPT_FILE = "verification/word_vectors.npz"
