"""A checkpoint in a rival's own format.

    v5/bin/python convert.py ctranslate2 CHECKPOINT FOLDER float32|int8
    v4/bin/python convert.py onnxruntime EXPORTED FOLDER int8     what `optimum-cli export onnx` made, with rounded weights
"""

import json
import shutil
import sys
from pathlib import Path


def teach_blenderbot():
    """CTranslate2 has no Blenderbot. It is BART with the norms before the sublayers and after the stacks, and positions without an offset."""
    from ctranslate2.converters import transformers as families
    from ctranslate2.specs import transformer_spec

    @families.register_loader("BlenderbotConfig")
    class BlenderbotLoader(families.BartLoader):
        @property
        def architecture_name(self):
            return "BlenderbotForConditionalGeneration"

        def get_model_spec(self, model):
            config = model.config
            spec = transformer_spec.TransformerSpec.from_config(
                (config.encoder_layers, config.decoder_layers), config.encoder_attention_heads, pre_norm=True,
                activation=families._SUPPORTED_ACTIVATIONS[config.activation_function], layernorm_embedding=False,
            )  # fmt: skip
            self.set_encoder(spec.encoder, model.model.encoder)
            self.set_decoder(spec.decoder, model.model.decoder)
            self.set_linear(spec.decoder.projection, model.lm_head)
            return spec

        def set_position_encodings(self, spec, module):
            spec.encodings = module.weight[getattr(module, "offset", 0) :]


def ctranslate2(checkpoint, folder, kind):
    from ctranslate2.converters.transformers import TransformersConverter

    if json.loads((checkpoint / "config.json").read_text())["model_type"] == "blenderbot":
        teach_blenderbot()
    TransformersConverter(str(checkpoint)).convert(str(folder), quantization=kind)


def onnxruntime(exported, folder, _kind):
    """Dynamic int8: weights of all matrix products rounded for each channel, activations on the fly."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir()
    for path in exported.iterdir():
        if path.suffix == ".onnx":
            kinds = ["MatMul", "Gemm"]
            quantize_dynamic(path, folder / path.name, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=kinds)
        elif path.suffix == ".json":
            shutil.copy(path, folder)


if __name__ == "__main__":
    {"ctranslate2": ctranslate2, "onnxruntime": onnxruntime}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
