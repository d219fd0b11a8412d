"""Builds the rivals and makes the checkpoints in their formats. What is there already is kept, so a broken-off build may be taken up again.

Every folder and file is made under another name and renamed once it is whole. Read next: `checkpoints.py`, `convert.py`.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from .catalogue import is_t5

HERE = Path(__file__).resolve().parent
# Which pinned packages each environment holds. transformers 4 is the last that optimum drives ONNX Runtime with.
REQUIREMENTS = {"v5": "requirements.txt", "v4": "requirements-onnx.txt"}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def run(*command, **environment):
    """Runs a command; where it fails, its last lines are shown and the build ends."""
    print("  " + " ".join(Path(str(word)).name for word in command[:3]) + " …", flush=True)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    if done.returncode:
        sys.exit("\n".join((done.stdout + done.stderr).strip().splitlines()[-15:]) + f"\n{command[0]} failed")


def once(path, make):
    """Has `make(unfinished)` make a folder or a file, unless it is there."""
    if path.exists():
        return
    print(f"{path.parent.name}/{path.name}", flush=True)
    unfinished = path.with_name(f"unfinished-{path.name}")
    if unfinished.is_dir():
        shutil.rmtree(unfinished)
    path.parent.mkdir(parents=True, exist_ok=True)
    make(unfinished)
    unfinished.rename(path)


def environments(folder):
    for name, requirements in REQUIREMENTS.items():
        # An environment cannot be renamed: it is whole when this file is in it.
        done = folder / name / "built"
        if not done.exists():
            print(name, flush=True)
            venv.create(folder / name, with_pip=True)
            run(folder / name / "bin/python", "-m", "pip", "install", "-q", "-r", HERE / requirements)
            done.touch()


def programs(folder):
    """candle and the measurement of memory; cargo knows what is to be done."""
    target = folder / "candle/target"
    print("candle", flush=True)
    manifest = HERE / "candle/Cargo.toml"
    run("cargo", "build", "--release", "--locked", "--manifest-path", manifest, CARGO_TARGET_DIR=str(target), RUSTFLAGS="-C target-cpu=native")
    return target / "release/candle_t5"


def build(folder, models):
    folder.mkdir(parents=True, exist_ok=True)
    environments(folder)
    candle = programs(folder)
    five, four = folder / "v5/bin/python", folder / "v4/bin/python"
    for name in models:
        checkpoint = folder / "models" / name
        once(checkpoint, lambda out, name=name: run(five, HERE / "checkpoints.py", name, out, **OFFLINE))
        for kind in ("float32", "int8"):
            once(
                folder / "ct2" / f"{name}-{kind}",
                lambda out, kind=kind: run(five, HERE / "convert.py", "ctranslate2", checkpoint, out, kind, **OFFLINE),
            )
        exact = folder / "onnx" / name
        task = "text2text-generation-with-past"
        once(
            exact,
            lambda out: run(folder / "v4/bin/optimum-cli", "export", "onnx", "--model", checkpoint, "--task", task, "--no-post-process", out, **OFFLINE),
        )
        once(folder / "onnx" / f"{name}-int8", lambda out: run(four, HERE / "convert.py", "onnxruntime", exact, out, "int8", **OFFLINE))
        if is_t5(name):
            once(folder / "gguf" / f"{name}-q8_0.gguf", lambda out: run(candle, "quantize", checkpoint / "model.safetensors", out))
    size = sum(f.stat().st_size for part in ("models", "ct2", "onnx", "gguf") for f in (folder / part).rglob("*") if f.is_file())
    print(f"built: {', '.join(models)}; checkpoints take {size / 1e9:.0f} GB in all", flush=True)
