"""What was guessed about a suspect's input stays a doubt until it is known."""

from dataclasses import replace

from fdcore.case.records import SuspectFacts
from fdcore.suspect.preprocess import NORMALISATION, Origins, PreprocessSpec


def test_a_guessed_architecture_stays_a_doubt_where_the_normalisation_is_given():
    """An analyst who names a preset has not yet said in which order the layers are applied."""
    given = Origins().known("options", *NORMALISATION).known("file", "n_classes", "height", "width", "channels")
    suspect = SuspectFacts("a network", "f", 10, PreprocessSpec(32, 32), given)
    assert "architecture" in suspect.doubt
    assert not suspect.reading_is_sure
    assert replace(suspect, origins=given.known("options", "architecture")).reading_is_sure
