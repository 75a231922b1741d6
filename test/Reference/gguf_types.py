# ===- gguf_types.py - Encoders of the types of GGUF files ----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# They follow ggml's definitions, number by number, and know nothing of the
# reader. Scales are not the best there are.
#
# ===----------------------------------------------------------------------=== #
import struct


def f16(value):
    return struct.unpack("<e", struct.pack("<e", value))[0]


def clip(value, low, high):
    return max(low, min(high, value))


# Each encoder takes the numbers of a block and returns its bytes and the
# numbers that these stand for.


def encode_f32(block):
    data = struct.pack("<f", block[0])
    return data, struct.unpack("<f", data)


def encode_f16(block):
    return struct.pack("<e", block[0]), [f16(block[0])]


def encode_f16_trits(numbers):
    """The trits of a tensor, whose scale lies elsewhere."""
    trits = []
    for first in range(0, len(numbers), 256):
        trits += make_trits(numbers[first : first + 256], [])[0]
    return struct.pack(f"<{len(trits)}e", *trits), trits


def encode_bf16(block):
    (word,) = struct.unpack("<I", struct.pack("<f", block[0]))
    word = (word + 0x7FFF + (word >> 16 & 1)) >> 16
    return struct.pack("<H", word), struct.unpack("<f", struct.pack("<I", word << 16))


def encode_q8_0(block):
    d = f16(max(map(abs, block)) / 127)
    q = [clip(round(x / d), -128, 127) if d else 0 for x in block]
    return struct.pack("<e32b", d, *q), [d * n for n in q]


def encode_q4_0(block):
    d = f16(max(map(abs, block)) / 7.5)
    q = [clip(round(x / d) + 8, 0, 15) if d else 8 for x in block]
    data = bytes(q[i] | q[i + 16] << 4 for i in range(16))
    return struct.pack("<e", d) + data, [d * (n - 8) for n in q]


def pack_nibbles(q):
    return bytes((q[i] & 15) | (q[i + 16] & 15) << 4 for i in range(16))


def pack_fifth_bits(q):
    return struct.pack("<I", sum((q[i] >> 4) << i for i in range(32)))


def encode_q5_0(block):
    d = f16(max(map(abs, block)) / 15.5)
    q = [clip(round(x / d) + 16, 0, 31) if d else 16 for x in block]
    data = struct.pack("<e", d) + pack_fifth_bits(q) + pack_nibbles(q)
    return data, [d * (n - 16) for n in q]


def encode_q45_1(block, most):
    least = f16(min(block))
    d = f16((max(block) - min(block)) / most)
    q = [clip(round((x - least) / d), 0, most) if d else 0 for x in block]
    data = struct.pack("<ee", d, least)
    data += pack_fifth_bits(q) if most == 31 else b""
    return data + pack_nibbles(q), [d * n + least for n in q]


IQ4_NL_LEVELS = (
    *(-127, -104, -83, -65, -49, -35, -22, -10),
    *(1, 13, 25, 38, 53, 69, 89, 113),
)


def encode_iq4_nl(block):
    d = f16(max(map(abs, block)) / 113)
    q = [
        min(range(16), key=lambda n: abs(d * IQ4_NL_LEVELS[n] - x)) for x in block
    ]
    data = struct.pack("<e", d) + pack_nibbles(q)
    return data, [d * IQ4_NL_LEVELS[n] for n in q]


def pack_k_scales(scales, mins):
    packed = [0] * 12
    for j in range(8):
        if j < 4:
            packed[j] |= scales[j]
            packed[j + 4] |= mins[j]
        else:
            packed[j + 4] |= (scales[j] & 15) | (mins[j] & 15) << 4
            packed[j - 4] |= (scales[j] >> 4) << 6
            packed[j] |= (mins[j] >> 4) << 6
    return bytes(packed)


def encode_q45_k(block, most):
    runs = [block[i : i + 32] for i in range(0, 256, 32)]
    lows = [max(0, -min(run)) for run in runs]
    steps = [(max(run) + low) / most for run, low in zip(runs, lows)]
    d, d_min = f16(max(steps) / 63), f16(max(lows) / 63)
    scales = [clip(round(step / d), 0, 63) if d else 0 for step in steps]
    mins = [clip(round(low / d_min), 0, 63) if d_min else 0 for low in lows]
    numbers, q = [], []
    for run, scale, least in zip(runs, scales, mins):
        step, offset = d * scale, d_min * least
        for x in run:
            q.append(clip(round((x + offset) / step), 0, most) if step else 0)
            numbers.append(step * q[-1] - offset)
    low = bytes(
        (q[64 * (i // 32) + i % 32] & 15) | (q[64 * (i // 32) + 32 + i % 32] & 15) << 4
        for i in range(128)
    )
    high = bytes(sum((q[32 * j + i] >> 4) << j for j in range(8)) for i in range(32))
    data = struct.pack("<ee", d, d_min) + pack_k_scales(scales, mins)
    return data + (high if most == 31 else b"") + low, numbers


def encode_q6_k(block):
    steps = [max(map(abs, block[i : i + 16])) / 31 for i in range(0, 256, 16)]
    d = f16(max(steps) / 127)
    # One factor is negative: files may have such.
    factors = [clip(round(step / d), -128, 127) if d else 0 for step in steps]
    factors[3] = -factors[3]
    q = []
    for i, x in enumerate(block):
        step = d * factors[i // 16]
        q.append(clip(round(x / step), -32, 31) if step else 0)
    low, high = bytearray(128), bytearray(64)
    for i, n in enumerate(q):
        half, run, place = i // 128, i % 128 // 32, i % 32
        low[64 * half + 32 * (run % 2) + place] |= (n + 32 & 15) << 4 * (run // 2)
        high[32 * half + place] |= (n + 32 >> 4) << 2 * run
    data = bytes(low + high) + struct.pack("<16be", *factors, d)
    return data, [d * factors[i // 16] * n for i, n in enumerate(q)]


def make_trits(block, groups):
    """Trits and scale: 3:4-sparse in `groups`, or of any pattern."""
    scale = f16(sum(map(abs, block)) / len(block))
    trits = [0 if abs(x) < scale / 2 else -1 if x < 0 else 1 for x in block]
    for group in groups:
        drop = min(group, key=lambda i: abs(block[i]))
        for i in group:
            trits[i] = 0 if i == drop else -1 if block[i] < 0 else 1
    return trits, scale


CONTIGUOUS = [list(range(i, i + 4)) for i in range(0, 256, 4)]
STRIDED = [
    [run + i + 16 * p for p in range(4)] for run in range(0, 256, 64) for i in range(16)
]


def encode_tq1_0(block, groups):
    trits, d = make_trits(block, groups)

    def pack(start, count, digits):
        result = []
        for m in range(count):
            value = 0
            for n in range(5):
                digit = trits[start + m + n * count] + 1 if n < digits else 0
                value = 3 * value + digit
            result.append((256 * value + 242) // 243)
        return bytes(result)

    data = pack(0, 32, 5) + pack(160, 16, 5) + pack(240, 4, 4) + struct.pack("<e", d)
    return data, [d * trit for trit in trits]


def encode_tq2_0(block, groups):
    trits, d = make_trits(block, groups)
    data = bytes(
        sum((trits[128 * half + 32 * n + m] + 1) << 2 * n for n in range(4))
        for half in range(2)
        for m in range(32)
    )
    return data + struct.pack("<e", d), [d * trit for trit in trits]


def encode_stq1_0(block, integer_scale):
    trits, d = make_trits(block, STRIDED)
    if integer_scale:
        bits = round(d * 32768)
        d, scale = bits / 32768, struct.pack("<h", bits)
    else:
        scale = struct.pack("<e", d)
    nibbles, signs = bytearray(32), bytearray(8)
    for number, group in enumerate(STRIDED):
        kept = [trits[i] for i in group if trits[i] != 0]
        zero = next(p for p, i in enumerate(group) if trits[i] == 0)
        code = 4 * zero + 2 * (kept[2] != kept[0]) + (kept[1] != kept[0])
        nibbles[number // 2] |= code << 4 * (number % 2)
        signs[number // 8] |= (kept[0] < 0) << number % 8
    return bytes(nibbles + signs) + scale, [d * trit for trit in trits]


def encode_q2_0(block, parts=1, first=None):
    """Blocks with the same scale, one or several; `first` is a number to hold."""
    trits, d = make_trits(block, [])
    trits[0] = trits[0] if first is None else first
    data, size = b"", len(block) // parts
    for begin in range(0, len(block), size):
        data += struct.pack("<e", d) + bytes(
            sum((trits[i + j] + 1) << 2 * j for j in range(4))
            for i in range(begin, begin + size, 4)
        )
    return data, [d * trit for trit in trits]


def encode_ptq1_0(block):
    trits, d = make_trits(block, [])
    data = bytearray()
    for start, count, digits in ((0, 16, 5), (80, 8, 5), (120, 2, 4)):
        for m in range(count):
            run = [trits[start + m + n * count] + 1 for n in range(digits)]
            value = sum(digit * 3 ** (4 - n) for n, digit in enumerate(run))
            data.append(-(-256 * value // 243))
    return bytes(data) + struct.pack("<e", d), [d * trit for trit in trits]


def encode_i2_s(numbers, groups):
    """A whole tensor, whose scale f16 does not hold."""
    mean = sum(map(abs, numbers)) / len(numbers)
    (scale,) = struct.unpack("<f", struct.pack("<f", mean * (1 + 2**-13)))
    trits = []
    for first in range(0, len(numbers), 128):
        block = numbers[first : first + 128]
        trits += make_trits(block, [group for group in groups if max(group) < 128])[0]
    data = bytes(
        sum((trits[first + 32 * k + m] + 1) << 6 - 2 * k for k in range(4))
        for first in range(0, len(trits), 128)
        for m in range(32)
    )
    data += struct.pack("<f", scale) + b"\xff" * 28
    return data, [scale * trit for trit in trits]


# name: number in files, numbers of a block (None: those of a tensor), encoder
TYPES = {
    "F32": (0, 1, encode_f32),
    "F16": (1, 1, encode_f16),
    "F16-trits": (1, None, encode_f16_trits),
    "BF16": (30, 1, encode_bf16),
    "Q8_0": (8, 32, encode_q8_0),
    "Q4_0": (2, 32, encode_q4_0),
    "Q5_0": (6, 32, encode_q5_0),
    "Q4_1": (3, 32, lambda block: encode_q45_1(block, 15)),
    "Q5_1": (7, 32, lambda block: encode_q45_1(block, 31)),
    "IQ4_NL": (20, 32, encode_iq4_nl),
    "Q4_K": (12, 256, lambda block: encode_q45_k(block, 15)),
    "Q5_K": (13, 256, lambda block: encode_q45_k(block, 31)),
    "Q6_K": (14, 256, encode_q6_k),
    "TQ1_0": (34, 256, lambda block: encode_tq1_0(block, [])),
    "TQ1_0-sparse": (34, 256, lambda block: encode_tq1_0(block, CONTIGUOUS)),
    "TQ2_0": (35, 256, lambda block: encode_tq2_0(block, [])),
    "TQ2_0-strided": (35, 256, lambda block: encode_tq2_0(block, STRIDED)),
    "STQ1_0": (43, 256, lambda block: encode_stq1_0(block, False)),
    "STQ1_0-42": (42, 256, lambda block: encode_stq1_0(block, False)),
    "STQ1_0-40": (40, 256, lambda block: encode_stq1_0(block, False)),
    "STQ1_0-i16": (43, 256, lambda block: encode_stq1_0(block, True)),
    "Q2_0": (42, 64, encode_q2_0),
    "Q2_0-pairs": (42, 128, lambda block: encode_q2_0(block, 2)),
    "Q2_0-double": (42, 64, lambda block: encode_q2_0(block, first=2)),
    "PQ2_0-42": (42, 128, encode_q2_0),
    "PQ2_0": (142, 128, encode_q2_0),
    "PTQ1_0": (143, 128, encode_ptq1_0),
    "I2_S": (36, None, lambda numbers: encode_i2_s(numbers, [])),
    "I2_S-sparse": (36, None, lambda numbers: encode_i2_s(numbers, CONTIGUOUS)),
}
