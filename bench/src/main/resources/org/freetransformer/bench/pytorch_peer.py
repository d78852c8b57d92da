"""PyTorch's side of a contest: one case, computed once for each line on standard input.

    python3 pytorch_peer.py MODE DEVICE THREADS OPERATION SIZE...

MODE is eager or compiled (torch.compile), DEVICE one of PyTorch's. It answers "ready" when the case has run
a few times, and "done" to each line when the device is done.
"""

import sys

import torch
import torch.nn.functional as F

EPSILON = 1e-5


def normal(*size):
    return torch.randn(*size, device=DEVICE)


def indices(most, *size):
    return torch.randint(most, size, device=DEVICE)


def rms_norm(x, weight):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPSILON) * weight


def angles(length, size):
    frequencies = 10000 ** (-torch.arange(0, size, 2, device=DEVICE) / size)
    return torch.outer(torch.arange(length, device=DEVICE), frequencies)[:, None, :]


def rope(x, cosine, sine):
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)


def attention(q, k, v):
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)


def forward_and_backward(inputs, function):
    """A call that computes a function and the gradients of all inputs."""
    leaves = [x.requires_grad_() for x in inputs]
    compiled = MODE(function)
    dy = torch.ones_like(function(*leaves))
    return lambda: torch.autograd.grad(compiled(*leaves), leaves, dy)


def without_gradients(function):
    compiled = MODE(function)

    def call():
        with torch.no_grad():
            compiled()

    return call


def gemm(layout, m, n, k):
    m, n, k = int(m), int(n), int(k)
    a = normal(k, m).T if layout[0] == "t" else normal(m, k)
    b = normal(n, k).T if layout[1] == "t" else normal(k, n)
    return without_gradients(lambda: a @ b)


def mapper(positions, bits, width):
    """The gradient of the logits over all plans, as in the suite: shorter than what autograd makes of it."""
    logits, table, dr = normal(positions, bits), normal(2**bits, width), normal(positions, width)
    ones = torch.arange(2**bits, device=DEVICE)[:, None] >> torch.arange(bits, device=DEVICE) & 1
    ones = ones.float()

    def gradient():
        chances = F.logsigmoid(logits) @ ones.T + F.logsigmoid(-logits) @ (1 - ones).T
        weighted = (dr @ table.T) * chances.exp()
        return weighted @ ones - torch.sigmoid(logits) * weighted.sum(1, keepdim=True)

    return without_gradients(gradient)


def optimizer(parameters):
    """AdamW, fused where this PyTorch has it for the device, which is its fastest."""
    try:
        return torch.optim.AdamW(parameters, 1e-4, (0.9, 0.95), 1e-8, 0.1, fused=True)
    except (RuntimeError, TypeError):
        return torch.optim.AdamW(parameters, 1e-4, (0.9, 0.95), 1e-8, 0.1)


def adam_w(count):
    """With clipping, as clip_grad_norm_ does it; what fills the gradient stands for a backward pass."""
    x = normal(count).requires_grad_()
    x.grad = normal(count)
    adam = optimizer([x])
    clip = torch.full((), 0.5, device=DEVICE)

    def run():
        x.grad.fill_(0.01).mul_(clip)
        adam.step()

    return run


class Block(torch.nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.norms = torch.nn.Parameter(torch.ones(2, width))
        self.qkv = torch.nn.Linear(width, 3 * width, bias=False)
        self.output = torch.nn.Linear(width, width, bias=False)
        self.gate_and_up = torch.nn.Linear(width, 2 * inner, bias=False)
        self.down = torch.nn.Linear(inner, width, bias=False)

    def forward(self, x, cosine, sine):
        q, k, v = self.qkv(rms_norm(x, self.norms[0])).unflatten(-1, (3, self.heads, -1)).unbind(-3)
        mixed = attention(rope(q, cosine, sine), rope(k, cosine, sine), v)
        x = x + self.output(mixed.flatten(-2))
        gate, up = self.gate_and_up(rms_norm(x, self.norms[1])).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(torch.nn.Module):
    def __init__(self, width, heads, inner, layers, vocabulary, length):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, width)
        self.blocks = torch.nn.ModuleList(Block(width, heads, inner) for _ in range(layers))
        self.norm = torch.nn.Parameter(torch.ones(width))
        turned = angles(length, width // heads)
        self.cosine, self.sine = turned.cos(), turned.sin()

    def forward(self, tokens, targets):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cosine, self.sine)
        logits = rms_norm(x, self.norm) @ self.embedding.weight.T
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def step(width, heads, inner, layers, vocabulary, batch, length):
    """Forward, backward, clipping and AdamW, as the suite's step."""
    model = Llama(width, heads, inner, layers, vocabulary, length).to(DEVICE)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    adam = optimizer(matrices)
    adam.add_param_group(
        {"params": [p for p in model.parameters() if p.dim() != 2], "weight_decay": 0.0})
    tokens, targets = indices(vocabulary, batch, length), indices(vocabulary, batch, length)
    loss = MODE(model)

    def run():
        adam.zero_grad()
        loss(tokens, targets).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()

    return run


def prepared(operation, sizes):
    if operation == "gemm":
        return gemm(*sizes)
    sizes = [int(size) for size in sizes]
    if operation == "mapper":
        return mapper(*sizes)
    if operation == "adamw":
        return adam_w(*sizes)
    if operation == "step":
        return step(*sizes)
    return forward_and_backward(*fused(operation, *sizes))


def fused(operation, *sizes):
    """Inputs and a function of them."""
    if operation == "linear":
        tokens, width, inner = sizes
        return [normal(tokens, width), normal(inner, width)], F.linear
    if operation == "attention":
        return [normal(*sizes) for _ in range(3)], attention
    if operation == "rmsnorm":
        return [normal(*sizes), normal(sizes[-1])], rms_norm
    if operation == "swiglu":
        return [normal(*sizes), normal(*sizes)], lambda gate, up: F.silu(gate) * up
    if operation == "rope":
        turned = angles(sizes[1], sizes[3])
        cosine, sine = turned.cos(), turned.sin()
        return [normal(*sizes)], lambda x: rope(x, cosine, sine)
    if operation == "cross-entropy":
        targets = indices(sizes[1], sizes[0])
        return [normal(*sizes)], lambda x: F.cross_entropy(x, targets, reduction="none")
    if operation == "embedding":
        tokens, vocabulary, width = sizes
        rows = indices(vocabulary, tokens)
        return [normal(vocabulary, width)], lambda table: F.embedding(rows, table)
    if operation == "softmax":
        return [normal(*sizes)], lambda x: x.softmax(-1)
    if operation == "dropout":
        return [normal(*sizes)], lambda x: F.dropout(x, 0.1)
    raise ValueError(operation)


def wait():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize(DEVICE)


if __name__ == "__main__":
    MODE = torch.compile if sys.argv[1] == "compiled" else lambda function: function
    DEVICE = torch.device(sys.argv[2])
    torch.set_num_threads(int(sys.argv[3]))
    call = prepared(sys.argv[4], sys.argv[5:])
    for _ in range(5):
        call()
    wait()
    print("ready", flush=True)
    for _ in sys.stdin:
        call()
        wait()
        print("done", flush=True)
