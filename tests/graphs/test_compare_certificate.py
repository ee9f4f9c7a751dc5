"""The certificate of a run in lock-step: what was compared after each update, with digests that anybody can find again."""

import hashlib

import numpy

from graphs.compare import lockstep
from graphs.compare.certificate import Seal
from tests.graphs.test_compare import MODES, Descent, batches, other_kernel, twins


def seal_by_hand(stations):
    """As the module says: BLAKE2b of the seal before and of a line for each array."""
    before = ""
    for station in stations:
        pairs = zip(station.arrays, station.digests, strict=True)
        lines = [before, *(f"{digests[0]}  {shown.what}" for shown, digests in pairs)]
        before = hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()
    return before


def test_every_update_is_certified():
    found = lockstep(twins(), MODES, batches(3), "float32").certificate
    assert [(each.step, each.station) for each in found] == [(1, 1), (2, 1), (3, 1)]
    assert [shown.what for shown in found[0].arrays] == ["loss loss", "gradient of w", "parameter w"]
    assert found[0].arrays[2][1:] == ("float32", (3, 2))
    assert all(each.equal and each.seals[0] == each.seals[1] for each in found)
    assert len({each.seals[0] for each in found}) == 3
    assert found[-1].seals[0] == seal_by_hand(found)
    assert found[0].arrays is found[2].arrays, "a long run has names and shapes once"


def test_digests_are_of_dtype_shape_and_bytes():
    program = Descent(twins().begin("float32"))
    found = lockstep(twins(), MODES, batches(1), "float32").certificate[0]
    w = program.states(batches(1)[0])[0].parameters["w"]
    by_hand = hashlib.blake2b(b"<f4(3, 2)" + w.tobytes(), digest_size=16).hexdigest()
    assert found.digests[2] == (by_hand, by_hand)


def test_the_update_that_differs_has_two_digests_and_two_seals():
    pair = twins(Descent, lambda setup: Descent(setup, lambda step, g: other_kernel(step, g) if step > 2 else g))
    *before, last = lockstep(pair, MODES, batches(9), "float32").certificate
    assert len(before) == 2
    assert all(each.equal for each in before)
    assert last.apart == {"gradient of w": 1, "parameter w": last.apart["parameter w"]}
    assert last.seals[0] != last.seals[1]
    assert [first == second for first, second in last.digests] == [True, False, False]
    assert last.as_dict() == {"step": 3, "update": 1, "arrays": 3, "equal": False, "seals": list(last.seals)}
    assert before[0].as_dict()["seals"] == [before[0].seals[0]]


def test_one_bit_anywhere_changes_the_last_seal():
    def last(value):
        seal = Seal()
        for at in range(3):
            array = numpy.array([1.0, value if at == 0 else 2.0])
            digest = hashlib.sha256(array.tobytes()).hexdigest()
            made = seal.station(at + 1, 1, [("loss x", array)], [(digest, digest)], {})
        return made.seals[0]

    assert last(2.0) == last(2.0)
    assert last(2.0) != last(numpy.nextafter(2.0, 3.0))
