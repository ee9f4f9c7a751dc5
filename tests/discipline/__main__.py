"""Branch coverage of what everything else stands on, and faults planted there.

python -m tests.discipline coverage
python -m tests.discipline mutants --count 500 --seed 0
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.discipline.subjects import ROOT, SLOW, SUBJECTS, TESTS, files


LEAST_COVERED, LEAST_KILLED = 95, 80
"""Per cent: of the branches and lines of each part, and of the faults."""

PYTEST = ["-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", *(f"--deselect={name}" for name in SLOW)]


def covered(out: Path) -> bool:
    """Run the tests, print the coverage of each part, and say whether all have enough."""
    out.mkdir(parents=True, exist_ok=True)
    data = f"--data-file={out / 'coverage'}"
    names = ",".join(str(path) for part in SUBJECTS for path in files(part))
    run = [sys.executable, "-m", "coverage", "run", "--branch", data, f"--include={names}", *PYTEST, *TESTS]
    enough = subprocess.run(run, cwd=ROOT, check=False).returncode == 0
    for part in SUBJECTS:
        print(f"\n{part}", flush=True)
        here = f"--include={','.join(map(str, files(part)))}"
        show = ["report", data, here, "--skip-covered", "--show-missing", f"--fail-under={LEAST_COVERED}"]
        enough &= subprocess.run([sys.executable, "-m", "coverage", *show], cwd=ROOT, check=False).returncode == 0
    return enough


def found(out: Path, count: int, seed: int, budget: float, part: str) -> bool:
    """Plant faults, print those that no test finds and how many do, and say whether these are enough.

    Results are added to a file as they come, so that a run that was ended goes on where it was.
    """
    results = out / f"mutants-{seed}.jsonl"
    settings = [f"--mutants={count}", f"--mutants-seed={seed}", f"--mutants-budget={budget}", f"--mutants-out={results}"]
    settings += [f"--mutants-part={part}"]
    run = [sys.executable, *PYTEST, "-p", "tests.discipline.running", *settings, *TESTS]
    if subprocess.run(run, cwd=ROOT, check=False).returncode:
        return False
    records = [json.loads(line) for line in results.read_text().splitlines()]
    killed = sum(record["how"].startswith("killed") for record in records)
    for record in records:
        if not record["how"].startswith("killed"):
            print(f"{record['how']:>12}  {record['mutant']}")
    told = ", ".join(f"{number} {how}" for how, number in Counter(record["how"] for record in records).most_common())
    print(f"{killed} of {len(records)} faults found, {killed / len(records):.1%} ({told})")
    return killed >= LEAST_KILLED / 100 * len(records)


def main() -> None:
    """Do what is asked; the exit status says whether it is enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.discipline", description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["coverage", "mutants"])
    parser.add_argument("--count", type=int, default=500, help="how many faults are planted")
    parser.add_argument("--seed", type=int, default=0, help="which ones: a sample by this seed")
    parser.add_argument("--part", default="0/1", help="K/N: each N-th of them from the K-th on, to run several at once")
    parser.add_argument(
        "--budget", type=float, default=20.0, help="seconds of tests for each, the quickest of each function first"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "discipline", help="where results are kept")
    args = parser.parse_args()
    enough = covered(args.out) if args.what == "coverage" else found(args.out, args.count, args.seed, args.budget, args.part)
    sys.exit(0 if enough else 1)


if __name__ == "__main__":
    main()
