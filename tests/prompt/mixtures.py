"""Layers with experts for make.py: all neurons of a layer in one row, through one map, as the program counts them.

`spread` puts a module in the place of each feed-forward part that asks transformers' own router which experts each
token takes, and holds what comes out against what transformers' own module makes of the same states.
"""
import torch

NAMES = ["qwen3-moe", "gpt-oss", "deepseek-v3", "olmoe"]
PATHS = ("layers.{}.self_attn", ["layers.{}.mlp.gate_map"], "layers.{}.mlp.out_map", "layers.{}.self_attn.o_proj")


class Spread(torch.nn.Module):
    def __init__(self, own):
        super().__init__()
        experts, self.own = own.experts, own
        self.clamped = hasattr(experts, "gate_up_proj_bias")
        self.count = len(experts.down_proj)
        self.shared = getattr(own, "shared_experts", None)
        # [experts, f, d]
        downs = experts.down_proj if self.clamped else experts.down_proj.transpose(1, 2)
        self.each = downs.shape[1]
        downs = [downs.flatten(0, 1)] + ([self.shared.down_proj.weight.T] if self.shared else [])
        downs = torch.cat(downs)
        self.out_map = torch.nn.Linear(*downs.shape, bias=False)
        self.out_map.weight.copy_(downs.T)
        self.gate_map = torch.nn.Identity()
        own.experts.register_forward_pre_hook(self.take)

    def take(self, _, args):
        read, taken, weights = args
        self.shares = torch.zeros(len(read), self.count).scatter(1, taken, weights)

    def of_expert(self, read, e):
        experts = self.own.experts
        if self.clamped:
            both = read @ experts.gate_up_proj[e] + experts.gate_up_proj_bias[e]
            return experts._apply_gate(both)
        gate, up = (read @ experts.gate_up_proj[e].T).chunk(2, dim=-1)
        return experts.act_fn(gate) * up

    def forward(self, x):
        want = self.own(x)
        whole = want[0] if isinstance(want, tuple) else want
        read = self.gate_map(x.reshape(-1, x.shape[-1]))
        rows = [self.of_expert(read, e) * self.shares[:, e:e + 1] for e in range(self.count)]
        if self.shared:
            rows.append(self.shared.act_fn(self.shared.gate_proj(read)) * self.shared.up_proj(read))
        self.post = torch.cat(rows, -1)
        bias = self.shares @ self.own.experts.down_proj_bias if self.clamped else 0.0
        apart = (self.post @ self.out_map.weight.T + bias).reshape(x.shape) - whole
        assert apart.abs().max() < 1e-4 * whole.abs().max()
        # Through the map, whose hooks may change what goes in.
        out = (self.out_map(self.post) + bias).reshape(x.shape)
        return (out, want[1]) if isinstance(want, tuple) else out


def spread(model):
    for layer in model.base_model.layers:
        if hasattr(layer.mlp, "experts"):
            layer.mlp = Spread(layer.mlp)
        else:
            layer.mlp.gate_map, layer.mlp.out_map = layer.mlp.gate_proj, layer.mlp.down_proj


def shares(base):
    """By layer with experts, what each expert's output was multiplied with, `[tokens, experts]`."""
    layers = getattr(base, "layers", [])
    return {l: layer.mlp.shares for l, layer in enumerate(layers) if isinstance(getattr(layer, "mlp", None), Spread)}


def address(base, layer, neuron):
    """A neuron's address, by its expert where it has one."""
    layers = getattr(base, "layers", None)
    mlp = getattr(layers[layer], "mlp", None) if layers is not None else None
    if not isinstance(mlp, Spread):
        return f"L{layer}.N{neuron}"
    expert, own = divmod(neuron, mlp.each)
    return f"L{layer}.E{expert}.N{own}" if expert < mlp.count else f"L{layer}.ES.N{neuron - mlp.count * mlp.each}"
