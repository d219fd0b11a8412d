"""Runs `papo generate` on the full-size checkpoints and holds its tokens and scores to the reference's. Read next: `expected.py`."""

import json
import subprocess

# A score is right within this relative difference, plus a few times what the reference's own f32 run differs from its f64 run: random
# networks magnify rounding, and a score near 0 has no relative precision to speak of.
SCORE_RELATIVE, OWN_ERRORS = 1e-3, 4


def _lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _unstable(path, count):
    """Which prompts the reference itself answers differently under noise or in f64, and on how many prompts each test was run."""
    unstable, tests = set(), []
    for kind in ("noise", "float64"):
        results = _lines(path.with_suffix(f".{kind}.jsonl"))
        tests.append(f"{kind} {len(results)}/{count}")
        unstable |= {index for index, result in enumerate(results) if not result["same"]}
    return unstable, tests


def _own_errors(path, cases):
    """For each case how far the reference's scores in f32 and f64 are apart; 0 where it was not run, has none or other tokens."""
    errors = [0.0] * len(cases)
    for index, (case, result) in enumerate(zip(cases, _lines(path.with_suffix(".float64.jsonl")), strict=False)):
        if result["same"] and result["score"] is not None:
            errors[index] = abs(result["score"] - case["score"])
    return errors


def _run(papo, folder, cases):
    requests = "".join(json.dumps({"id": i, "text": c["text"], "generation_config": c["generation_config"]}) + "\n" for i, c in enumerate(cases))
    done = subprocess.run([papo, "generate", str(folder)], input=requests, capture_output=True, text=True, check=False)
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    if len(answers) != len(cases):
        raise SystemExit(f"papo answered {len(answers)} of {len(cases)} lines, exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return answers


def check(papo, name, folder, path):
    """Prints what differs; returns one row of the table."""
    cases = _lines(path)
    answers = _run(papo, folder, cases)
    unstable, tests = _unstable(path, len(cases))
    errors = _own_errors(path, cases)
    equal, worst, wrong_score, differing = 0, 0.0, 0, []
    for index, case in enumerate(cases):
        answer = answers[index]
        if answer.get("sequences") != [case["sequence"]]:
            differing.append(index)
            got = answer.get("sequences", answer.get("error"))
            mark = "unstable in the reference" if index in unstable else "STABLE IN THE REFERENCE"
            print(f"{name}, prompt {index} ({mark}): {case['text'][:60]!r}\n  expected {case['sequence']}\n  found    {got}")
            continue
        equal += 1
        if case["score"] is not None:
            difference = abs(answer["scores"][0] - case["score"])
            worst = max(worst, difference)
            if difference > SCORE_RELATIVE * abs(case["score"]) + OWN_ERRORS * errors[index]:
                wrong_score += 1
                print(f"{name}, prompt {index}: score {answer['scores'][0]}, expected {case['score']}")
    return {
        "model": name,
        "prompts": len(cases),
        "equal": equal,
        "max score diff": f"{worst:.1e}",
        "reference f32 − f64": f"{max(errors):.1e}",
        "wrong scores": wrong_score,
        "unstable": f"{len(unstable)} ({', '.join(tests)})",
        "stable but different": len([i for i in differing if i not in unstable]),
    }


def table(rows):
    """Prints the rows as a Markdown table."""
    names = list(rows[0])
    print("| " + " | ".join(names) + " |\n|" + " --- |" * len(names))
    for row in rows:
        print("| " + " | ".join(str(row[n]) for n in names) + " |")
