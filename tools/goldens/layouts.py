"""Writes a network's weights in each of the layouts that the hub holds.

Every function here is `(model, folder) -> None`. The names of tied tensors follow what `save_pretrained` and `torch.save` do:
safetensors keeps one of them, pickles keep all of them over one storage. Read next: `catalogue.py`.
"""

import json

import torch
from safetensors.torch import save_file

METADATA = {"format": "pt"}


def _state(model):
    """All tensors by their names in a pickle, the tied ones under each of their names."""
    return {name: tensor.detach() for name, tensor in model.state_dict().items() if "embed_positions" not in name or _learned(model)}


def _learned(model):
    return model.config.model_type != "marian"


def _untied(model):
    """One name for each storage, the first, which is what `save_pretrained` keeps."""
    seen, kept = set(), {}
    for name, tensor in _state(model).items():
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            kept[name] = tensor.contiguous()
    return kept


def safetensors(model, folder):
    """One `model.safetensors`, tied tensors stored once."""
    save_file(_untied(model), folder / "model.safetensors", METADATA)


def bare_safetensors(model, folder):
    """bart-base's: saved from `BartModel`, so no `model.` in front, no head, no `final_logits_bias`."""
    kept = {name.removeprefix("model."): tensor for name, tensor in _untied(model).items() if name.startswith("model.")}
    save_file(kept, folder / "model.safetensors", METADATA)


def tied_copies(model, folder):
    """One `model.safetensors` in which each tied tensor is stored again under each of its names."""
    save_file({name: tensor.clone().contiguous() for name, tensor in _state(model).items()}, folder / "model.safetensors", METADATA)


def zip_bin(model, folder):
    """`pytorch_model.bin` as `torch.save` writes it: tied tensors share one storage."""
    torch.save(_state(model), folder / "pytorch_model.bin")


def legacy_bin(model, folder):
    """`pytorch_model.bin` as torch wrote it before 1.6: pickles one after the other, then the storages."""
    torch.save(_state(model), folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)


def zip_bin_with_views(model, folder):
    """A zip pickle whose tensors are views: thirds of one fused storage with offsets, and transposed ones with their strides."""
    state = dict(_state(model))
    for name in [n for n in state if n.endswith("q_proj.weight")]:
        base = name.removesuffix("q_proj.weight")
        for kind in ("weight", "bias"):
            names = [f"{base}{p}_proj.{kind}" for p in "qkv"]
            fused = torch.cat([state[n] for n in names])
            for n, third in zip(names, fused.chunk(3)):
                state[n] = third
    for name, tensor in state.items():
        if name.endswith(("fc1.weight", "out_proj.weight")):
            state[name] = tensor.t().contiguous().t()
    torch.save(state, folder / "pytorch_model.bin")


def zip_bin_with_positions(model, folder):
    """Marian as the hub has it: the computed position tables are stored as well, and the reference then uses those."""
    torch.save({name: tensor.detach() for name, tensor in model.state_dict().items()}, folder / "pytorch_model.bin")


def _shards(state, count=3):
    """Splits by name order into `count` parts of about equal size: [(file stem suffix, part)]."""
    total = sum(t.numel() for t in state.values())
    parts, filled = [{} for _ in range(count)], 0
    for name, tensor in state.items():
        parts[min(count - 1, filled * count // total)][name] = tensor
        filled += tensor.numel()
    return [(f"-{i + 1:05}-of-{count:05}", part) for i, part in enumerate(parts)], total


def _index(parts, stem, extension, size, folder):
    weight_map = {name: f"{stem}{suffix}{extension}" for suffix, part in parts for name in part}
    index = {"metadata": {"total_size": size * 4}, "weight_map": weight_map}
    (folder / f"{stem}{extension}.index.json").write_text(json.dumps(index, indent=2) + "\n")


def sharded_safetensors(model, folder):
    """Three `model-0000n-of-00003.safetensors` and their index."""
    parts, size = _shards(_untied(model))
    for suffix, part in parts:
        save_file(part, folder / f"model{suffix}.safetensors", METADATA)
    _index(parts, "model", ".safetensors", size, folder)


def sharded_bin(model, folder):
    """Three `pytorch_model-0000n-of-00003.bin` and their index."""
    parts, size = _shards(_untied(model))
    for suffix, part in parts:
        torch.save({name: tensor.clone() for name, tensor in part.items()}, folder / f"pytorch_model{suffix}.bin")
    _index(parts, "pytorch_model", ".bin", size, folder)
