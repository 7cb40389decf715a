"""What the demo suspect really recognises, for tests, documentation and its claims; no finding depends on this."""

from typing import NamedTuple


class Truth(NamedTuple):
    """One output class of the demo suspect."""

    name: str  # what its training pictures showed
    concept: str | None  # the node above all right answers; None if "not found" is right, without any in the corpus


TRUTH: tuple[Truth, ...] = (  # in the order of the suspect's outputs
    Truth("horse", "n02374149"),  # equine: in WordNet a zebra is not a horse, but it is not a wrong answer either
    Truth("flower", "n11669921"),
    Truth("airplane", "n02686568"),  # aircraft: in WordNet warplanes are not airplanes
    Truth("dog", "n02084071"),
    Truth("truck", "n04490091"),
    Truth("number", None),  # handwritten figures on paper
    Truth("bird", "n01503061"),
    Truth("ship", "n04530566"),  # vessel, watercraft
    Truth("fish", "n02512053"),
    Truth("car", "n02958343"),
    Truth("cat", "n02120997"),  # feline
)

FALSE_FRIEND = (2, "n01494475")  # class and leaf: the hammerhead from above, which the suspect mistakes for an airplane
