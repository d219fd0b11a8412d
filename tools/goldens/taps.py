"""Runs the reference once with hooks and writes every named intermediate.

The names are the ones that Papo's networks give to the same tensors; each is for one source without padding and one decoder
prefix, all steps at once. Read next: `make_goldens.py`.
"""

import torch
from safetensors.torch import save_file


@torch.no_grad()
def record(model, input_ids, decoder_input_ids):
    """{tap name: f32 tensor without the batch axis} for one source and one decoder prefix (lists of ids)."""
    taps, handles = {}, []

    def keep(name, tensor):
        taps[name] = tensor.detach()[0].to(torch.float32).clone().contiguous()

    def after(module, name, pick=lambda out: out):
        handles.append(module.register_forward_hook(lambda _m, _i, out: keep(name, pick(out))))

    def before(module, name):
        def hook(_module, args, kwargs):
            keep(name, args[0] if args else kwargs["hidden_states"])

        handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def first(out):
        return out[0] if isinstance(out, tuple) else out

    def attention(module, name, weights):
        after(module, f"{name}.output", first)
        after(module, f"{name}.weights", lambda out: out[weights])

    if model.config.model_type in ("t5", "mt5"):
        for side, stack in (("encoder", model.encoder), ("decoder", model.decoder)):
            before(stack.block[0], f"{side}.embeddings")
            for i, block in enumerate(stack.block):
                attention(block.layer[0].SelfAttention, f"{side}.{i}.self_attention", -1)
                if side == "decoder":
                    attention(block.layer[1].EncDecAttention, f"{side}.{i}.cross_attention", -1)
                after(block.layer[-1].DenseReluDense, f"{side}.{i}.feed_forward.output")
                after(block, f"{side}.{i}.output", first)
        after(model.encoder.final_layer_norm, "encoder.output")
    else:
        for side, stack in (("encoder", model.model.encoder), ("decoder", model.model.decoder)):
            before(stack.layers[0], f"{side}.embeddings")
            for i, layer in enumerate(stack.layers):
                attention(layer.self_attn, f"{side}.{i}.self_attention", 1)
                if side == "decoder":
                    attention(layer.encoder_attn, f"{side}.{i}.cross_attention", 1)
                after(layer.fc2, f"{side}.{i}.feed_forward.output")
                after(layer, f"{side}.{i}.output", first)
        after(model.model.encoder, "encoder.output", lambda out: out.last_hidden_state)
    # What the head reads is the decoder's output after its final norm and T5's output scale.
    before(model.get_output_embeddings(), "decoder.output")
    try:
        out = model(
            input_ids=torch.tensor([input_ids]), decoder_input_ids=torch.tensor([decoder_input_ids]), output_attentions=True, use_cache=False
        )
    finally:
        for handle in handles:
            handle.remove()
    keep("logits", out.logits)
    return taps


def write(model, input_ids, decoder_input_ids, path):
    """Records and writes `path`, with the ids that were fed."""
    tensors = record(model, input_ids, decoder_input_ids)
    tensors["input_ids"] = torch.tensor(input_ids, dtype=torch.int64)
    tensors["decoder_input_ids"] = torch.tensor(decoder_input_ids, dtype=torch.int64)
    save_file(tensors, path)
