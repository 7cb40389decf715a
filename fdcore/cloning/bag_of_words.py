"""The clone of a suspect of texts: logistic regression over a bag of hashed words, as a network.

It is trained, resumed, tested and kept like any clone. Words are found in the bytes of a text: runs of ASCII letters
and digits, in lower case, and of the bytes that UTF-8 writes everything else with.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

N_BUCKETS = 1 << 15  # words share a weight where their hashes do
SCALE = 4.0  # of the scores; it makes the usual learning rate one that suits sparse inputs
_LONGEST, _PRIME = 64, 2_147_483_647  # letters that tell words apart


class BagOfWords(nn.Module):
    """From texts (N, 1, 1, width), bytes on a scale from -1 to 1, to logits (N, n_classes)."""

    letters: Tensor
    factors: Tensor

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(N_BUCKETS, n_classes))
        self.bias = nn.Parameter(torch.zeros(n_classes))
        ascii_letters = [ord(chr(byte).lower()) if chr(byte).isalnum() else 0 for byte in range(128)]
        letters = [*ascii_letters, *range(128, 256)]  # parts of other characters stay as they are
        factors = torch.randint(1, _PRIME, (_LONGEST,), generator=torch.Generator().manual_seed(0))
        self.register_buffer("letters", torch.tensor(letters), persistent=False)
        self.register_buffer("factors", factors, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map texts to logits."""
        letters = self.letters[((x.float() + 1) * 127.5).round().long().flatten(1)]
        inside = letters > 0
        begins = inside & ~functional.pad(inside, (1, 0))[:, :-1]
        word = begins.cumsum(dim=1) * inside  # the number of each letter's word, 0 between words
        place = torch.arange(letters.shape[1], device=x.device).expand_as(letters)
        empty = torch.zeros(len(x), int(word.max()) + 1, dtype=torch.long, device=x.device)
        first = empty.scatter_add(1, word, place * begins)
        hashed = letters * self.factors[(place - first.gather(1, word)) % _LONGEST] % _PRIME
        hashes = empty.scatter_add(1, word, hashed * inside)
        present = (hashes > 0).float()
        counts = present / present.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        summed = functional.embedding_bag(hashes % N_BUCKETS, self.weight, per_sample_weights=counts, mode="sum")
        return SCALE * summed + self.bias
