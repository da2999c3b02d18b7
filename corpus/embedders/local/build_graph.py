"""Build graph.onnx: MiniLM as a graph whose weights are names only.

Run with `python -m corpus.embedders.local.build_graph`; a test rebuilds it and compares every byte. The architecture is
BERT's encoder (Devlin et al., 2018) in the size of MiniLM-L6-H384 (Wang et al., 2020), with the mean over a text's
pieces and unit length as its last steps (Reimers and Gurevych, 2019). It is written out here operator by operator; the
weights are attached when a session is made, so neither they nor a copy of them lie in the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

LAYERS, HEADS, WIDTH, INNER = 6, 12, 384, 1536
PIECES, POSITIONS, KINDS = 30522, 512, 2
EPSILON = 1e-12
FAR = -1e9
GRAPH = Path(__file__).with_name("graph.onnx")


class _Graph:
    """Nodes and constants, in the order they are asked for."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: float | list[int]) -> str:
        array = np.array(value, np.int64 if isinstance(value, list) else np.float32)
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, name: str, *shape: int) -> str:
        """A tensor that is only named: its bytes are handed over with the session."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="model.safetensors")
        self.tensors.append(tensor)
        return name

    def linear(self, x: str, name: str, shape: tuple[int, int], output: str) -> str:
        """Multiply rows by a layer's weights, which are stored as (output, input), and add its bias."""
        weights = [self.weight(f"{name}.weight", *shape), self.weight(f"{name}.bias", shape[0])]
        return self.node("Gemm", [x, *weights], output, transB=1)

    def norm(self, x: str, name: str, output: str) -> str:
        parts = [self.weight(f"{name}.weight", WIDTH), self.weight(f"{name}.bias", WIDTH)]
        return self.node("LayerNormalization", [x, *parts], output, axis=-1, epsilon=EPSILON)


def build() -> bytes:
    """Return the graph: `ids` and `mask`, int64 [texts, pieces], to `vectors`, float32 [texts, 384] of unit length."""
    graph = _Graph()
    graph.constant("zero", [0])
    graph.constant("one", [1])
    graph.constant("two", [2])
    graph.constant("rows", [-1, WIDTH])
    graph.node("Shape", ["ids"], "shape")
    graph.node("Concat", ["shape", graph.constant("split", [HEADS, WIDTH // HEADS])], "split_shape", axis=0)
    graph.node("Concat", ["shape", graph.constant("width", [WIDTH])], "text_shape", axis=0)
    graph.node("Cast", ["mask"], "present", to=TensorProto.FLOAT)
    x = _embeddings(graph)
    bias = _attention_bias(graph)
    for number in range(LAYERS):
        x = _layer(graph, number, x, bias)
    _pool(graph, x)
    sides = [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "pieces"]) for name in ("ids", "mask")]
    result = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", WIDTH])
    body = helper.make_graph(graph.nodes, "minilm", sides, [result], graph.tensors)
    opset = [helper.make_opsetid("", 20)]
    model: ModelProto = helper.make_model(body, opset_imports=opset, ir_version=9, producer_name="footnote")
    return bytes(model.SerializeToString(deterministic=True))


def _embeddings(graph: _Graph) -> str:
    """Piece + position + kind, as rows. Positions are a slice: gathering a range trips an optimiser of onnxruntime."""
    prefix = "embeddings"
    graph.node("Gather", [graph.weight(f"{prefix}.word_embeddings.weight", PIECES, WIDTH), "ids"], "pieces_at")
    graph.node("Slice", ["shape", "one", "two"], "length")
    positions = graph.weight(f"{prefix}.position_embeddings.weight", POSITIONS, WIDTH)
    graph.node("Slice", [positions, "zero", "length", "zero"], "positions_at")
    kinds = graph.weight(f"{prefix}.token_type_embeddings.weight", KINDS, WIDTH)
    graph.node("Slice", [kinds, "zero", "one", "zero"], "kind_at")
    graph.node("Add", ["positions_at", "kind_at"], "place")
    graph.node("Add", ["pieces_at", "place"], "embedded")
    graph.norm("embedded", f"{prefix}.LayerNorm", "embedded_norm")
    return graph.node("Reshape", ["embedded_norm", "rows"], "x")


def _attention_bias(graph: _Graph) -> str:
    """0 where there is a piece, far below where there is padding."""
    graph.node("Sub", [graph.constant("unit", 1.0), "present"], "missing")
    graph.node("Mul", ["missing", graph.constant("far", FAR)], "penalty")
    return graph.node("Unsqueeze", ["penalty", graph.constant("heads_and_rows", [1, 2])], "bias")


def _layer(graph: _Graph, number: int, x: str, bias: str) -> str:
    name, at = f"encoder.layer.{number}", f"layer{number}"

    def heads(part: str, order: list[int]) -> str:
        graph.linear(x, f"{name}.attention.self.{part}", (WIDTH, WIDTH), f"{at}.{part}")
        graph.node("Reshape", [f"{at}.{part}", "split_shape"], f"{at}.{part}.split")
        return graph.node("Transpose", [f"{at}.{part}.split"], f"{at}.{part}.heads", perm=order)

    query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
    graph.node("MatMul", [query, key], f"{at}.products")
    if not number:
        graph.constant("scale", (WIDTH // HEADS) ** -0.5)
    graph.node("Mul", [f"{at}.products", "scale"], f"{at}.scaled")
    graph.node("Add", [f"{at}.scaled", bias], f"{at}.biased")
    graph.node("Softmax", [f"{at}.biased"], f"{at}.attention", axis=-1)
    graph.node("MatMul", [f"{at}.attention", value], f"{at}.mixed")
    graph.node("Transpose", [f"{at}.mixed"], f"{at}.mixed.rows", perm=[0, 2, 1, 3])
    graph.node("Reshape", [f"{at}.mixed.rows", "rows"], f"{at}.context")
    graph.linear(f"{at}.context", f"{name}.attention.output.dense", (WIDTH, WIDTH), f"{at}.projected")
    graph.node("Add", [f"{at}.projected", x], f"{at}.attended")
    seen = graph.norm(f"{at}.attended", f"{name}.attention.output.LayerNorm", f"{at}.seen")
    graph.linear(seen, f"{name}.intermediate.dense", (INNER, WIDTH), f"{at}.inner")
    graph.node("Gelu", [f"{at}.inner"], f"{at}.active", approximate="none")
    graph.linear(f"{at}.active", f"{name}.output.dense", (WIDTH, INNER), f"{at}.outer")
    graph.node("Add", [f"{at}.outer", seen], f"{at}.added")
    return graph.norm(f"{at}.added", f"{name}.output.LayerNorm", f"{at}.out")


def _pool(graph: _Graph, x: str) -> None:
    """The sum over the pieces that are there, at unit length: the same direction as their mean."""
    graph.node("Reshape", [x, "text_shape"], "texts")
    graph.node("Unsqueeze", ["present", "two"], "weight_of_piece")
    graph.node("Mul", ["texts", "weight_of_piece"], "kept")
    graph.node("ReduceSum", ["kept", "one"], "sum", keepdims=0)
    graph.node("ReduceL2", ["sum", "one"], "length_of_sum", keepdims=1)
    graph.node("Div", ["sum", "length_of_sum"], "vectors")


if __name__ == "__main__":
    GRAPH.write_bytes(build())
