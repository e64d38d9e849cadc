"""A thin builder over onnx.helper: nodes by call, weights stored as int8 with one scale per output column.

ONNX Runtime folds the dequantisation (Cast, Mul) into a float32 constant when a session is created, so files are
small, arithmetic is float32, and every layout computes with bit-identical weights.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18


class Graph:
    def __init__(self, name: str):
        self.name = name
        self.nodes: list = []
        self.constants: list = []
        self.inputs: list = []
        self.outputs: list = []
        self.known: set[str] = set()

    def input(self, name: str, kind: int, dims: list) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, dims))
        return name

    def output(self, value: str, name: str, kind: int, dims: list) -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name], name=f"out_{name}"))
        self.outputs.append(helper.make_tensor_value_info(name, kind, dims))

    def node(self, kind: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes):
        base = f"{kind}_{len(self.nodes)}"
        names = [base if outputs == 1 else f"{base}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=base, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, name: str, value: np.ndarray) -> str:
        if name not in self.known:
            self.known.add(name)
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant("int64_" + "_".join(str(value) for value in values), np.array(values, np.int64))

    def weight(self, name: str, quantised: "Quantised") -> str:
        integers = self.constant(f"{name}.int8", quantised.values)
        scale = self.constant(f"{name}.scale", quantised.scale)
        return self.node("Mul", self.node("Cast", integers, to=TensorProto.FLOAT), scale)

    def save(self, path) -> None:
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="latency-tts")
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path)


class Quantised:
    """A float matrix as int8 `values` and a float32 `scale` along one axis, symmetric, rounded to nearest."""

    def __init__(self, matrix: np.ndarray, scale_axis: int):
        reduced = tuple(axis for axis in range(matrix.ndim) if axis != scale_axis)
        self.scale = (np.abs(matrix).max(axis=reduced, keepdims=True) / 127.0).astype(np.float32)
        self.values = np.clip(np.round(matrix / self.scale), -127, 127).astype(np.int8)

    @classmethod
    def stored(cls, values: np.ndarray, scale: np.ndarray) -> "Quantised":
        """One that was made before."""
        quantised = cls.__new__(cls)
        quantised.values, quantised.scale = values, scale
        return quantised

    def dequantised(self) -> np.ndarray:
        return self.values.astype(np.float32) * self.scale
