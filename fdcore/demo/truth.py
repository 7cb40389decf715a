"""What the demo suspect really recognises: for tests, documentation and the note that comes with the demo suspect.
Nothing that finds anything reads this."""

from typing import NamedTuple


class Truth(NamedTuple):
    """One output class of the demo suspect.

    Attributes:
        name: what its training pictures showed.
        concept: the node under which right answers lie; None where the corpus has no counterpart, so that
            "not found" is the right answer.
    """

    name: str
    concept: str | None


TRUTH: tuple[Truth, ...] = (
    Truth("horse", "n02374149"),  # equine: a zebra is no horse in WordNet, but no wrong answer either
    Truth("flower", "n11669921"),
    Truth("airplane", "n02686568"),  # aircraft: warplanes are no airplanes in WordNet
    Truth("dog", "n02084071"),
    Truth("truck", "n04490091"),
    Truth("number", None),  # handwritten figures on paper
    Truth("bird", "n01503061"),
    Truth("ship", "n04530566"),  # vessel, watercraft
    Truth("fish", "n02512053"),
    Truth("car", "n02958343"),
    Truth("cat", "n02120997"),  # feline
)
"""The suspect's classes in the order of its outputs."""

FALSE_FRIEND = (2, "n01494475")
"""Class number and leaf: the hammerhead from above, which the suspect takes for an airplane."""
