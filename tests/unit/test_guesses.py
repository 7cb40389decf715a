"""What was guessed about a suspect's input stays a doubt until it is known."""

from dataclasses import replace

from fdcore.case.records import SuspectFacts
from fdcore.suspect.preprocess import NORMALISATION, Origins, PreprocessSpec


def test_a_guessed_architecture_stays_a_doubt_where_the_normalisation_is_given():
    """An analyst who names a preset has not yet said in which order the layers are applied."""
    by_file = ("n_classes", "height", "width", "channels", "layout")
    given = Origins().known("options", *NORMALISATION).known("file", *by_file)
    suspect = SuspectFacts("a network", "f", 10, PreprocessSpec(32, 32), given)
    assert "architecture" in suspect.doubt
    assert not suspect.reading_is_sure
    assert replace(suspect, origins=given.known("options", "architecture")).reading_is_sure


def test_the_order_of_flat_values_and_the_choice_of_an_output_are_doubts():
    """Either can change every answer."""
    sure = Origins().known("file", *Origins().guessed)
    assert not sure.guess_decides
    assert all(sure.known("guess", part).guess_decides for part in ("layout", "output"))
