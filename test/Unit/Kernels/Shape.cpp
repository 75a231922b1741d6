//===- Shape.cpp - What linear kernels are compiled for -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Shape.h"
#include "CompiledKernels.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <random>
#include <tuple>

using namespace sherry;
using format::CodeOrder;
using format::Granularity;
using format::ScaleType;

std::vector<InputBlock> Shape::blocks() const {
  int64_t group = cols, most = cols;
  if (kind == WeightKind::Blocks)
    group = most = quantFormat->blockInputs;
  if (kind == WeightKind::Ternary) {
    most = 256;
    if (layout.granularity == Granularity::PerGroup)
      group = layout.groupSize;
  }
  std::vector<InputBlock> result;
  for (int64_t begin = 0; begin < cols; begin += group) {
    int64_t end = std::min(begin + group, cols);
    for (int64_t at = begin; at < end; at += most)
      result.push_back({at, std::min(most, end - at), begin / group});
  }
  return result;
}

std::string Shape::typeText() const {
  std::string result;
  llvm::raw_string_ostream out(result);
  out << "tensor<" << rows << "x" << cols << "x";
  if (kind == WeightKind::Blocks)
    out << "!sherry." << quantFormat->name;
  if (kind == WeightKind::Numbers)
    out << format::nameOf(numbers);
  if (kind == WeightKind::Ternary) {
    out << "!sherry.trit, #sherry.ternary<";
    if (layout.codebook != &format::k3of4)
      out << "codebook = <\"" << layout.codebook->name << "\">, ";
    out << (strided ? "strided, " : "contiguous, ");
    switch (layout.granularity) {
    case Granularity::PerTensor:
      out << "per_tensor";
      break;
    case Granularity::PerChannel:
      out << "per_channel";
      break;
    case Granularity::PerGroup:
      out << "per_group(" << layout.groupSize << ")";
      break;
    }
    out << ", scale = " << (layout.scaleType == ScaleType::F16 ? "f16" : "f32")
        << ", layout = <"
        << (layout.order == CodeOrder::Words ? "words" : "nibbles")
        << ", interleave = " << layout.interleave << ">>";
  }
  out << ">";
  return result;
}

static std::vector<Shape> makeShapes() {
  // What chunks, steps, scale groups and tiles begin and end with.
  constexpr std::pair<int64_t, int64_t> kEdges[] = {
      {1, 4}, {100, 600}, {33, 256}, {64, 512}, {31, 260}};
  constexpr int64_t kGroupSizes[] = {12, 128, 300, 4};
  std::vector<Shape> shapes;
  std::mt19937 random(20260117);
  size_t groupSize = 0;
  auto add = [&](CodeOrder order, Granularity granularity, int64_t rows,
                 int64_t cols, int64_t interleave) {
    Shape shape{WeightKind::Ternary, rows, cols, {}};
    shape.layout.order = order;
    shape.layout.scaleType =
        shapes.size() % 2 ? ScaleType::F32 : ScaleType::F16;
    shape.layout.granularity = granularity;
    if (granularity == Granularity::PerGroup)
      shape.layout.groupSize =
          kGroupSizes[groupSize++ % std::size(kGroupSizes)];
    shape.layout.interleave = interleave;
    shapes.push_back(shape);
  };
  for (CodeOrder order : {CodeOrder::Words, CodeOrder::Nibbles}) {
    for (Granularity granularity :
         {Granularity::PerTensor, Granularity::PerChannel,
          Granularity::PerGroup}) {
      auto [rows, cols] = kEdges[shapes.size() % std::size(kEdges)];
      add(order, granularity, rows, cols, 1 + shapes.size() % 2);
    }
    add(order, Granularity::PerGroup, 1 + random() % 100,
        4 * (1 + random() % 150), 1);
    // More tiles than are interleaved or looked up together, and some that are
    // left.
    add(order, Granularity::PerGroup, 32 * 12 + 33, 72, 4);
    // Strided groups: whole chunks, and a chunk of one step.
    Shape strided{WeightKind::Ternary, 33, 320, {}};
    strided.layout.order = order;
    strided.layout.groupSize = 256;
    strided.strided = true;
    shapes.push_back(strided);
  }
  // Scale groups that are no multiples of three or six inputs, one and several
  // chunks of them; the last chunks have one to six inputs in the last group.
  constexpr std::tuple<int64_t, int64_t, int64_t> kUnevenEdges[] = {
      {100, 600, 128},
      {33, 300, 0},
      {64, 512, 64},
      {32 * 4 + 33, 48, 0},
      {33, 12, 4}};
  for (const format::Codebook *codebook : {&format::kDense, &format::k2of6})
    for (CodeOrder order : {CodeOrder::Words, CodeOrder::Nibbles})
      for (auto [rows, cols, groupSize] : kUnevenEdges) {
        Shape uneven{WeightKind::Ternary, rows, cols, {}};
        uneven.layout.order = order;
        uneven.layout.codebook = codebook;
        uneven.layout.granularity =
            groupSize ? Granularity::PerGroup : Granularity::PerChannel;
        uneven.layout.groupSize = groupSize;
        uneven.layout.scaleType = groupSize ? ScaleType::F16 : ScaleType::F32;
        uneven.perToken = !groupSize;
        shapes.push_back(uneven);
      }
  const format::QuantFormat *blockFormats[] = {&format::kQ8_0, &format::kQ6_K,
                                               &format::kQ4_0};
  for (const format::QuantFormat *quantFormat : blockFormats)
    // Blocks end after one group and after three.
    for (auto [rows, cols] : {std::pair<int64_t, int64_t>{1, 4}, {33, 300}})
      shapes.push_back({WeightKind::Blocks, rows, cols, {}, quantFormat});
  for (format::DenseFormat numbers :
       {format::DenseFormat::BF16, format::DenseFormat::F16,
        format::DenseFormat::F32}) {
    Shape shape{WeightKind::Numbers, 33, 300, {}};
    shape.numbers = numbers;
    shapes.push_back(shape);
  }
  shapes.push_back({WeightKind::Numbers, 1, 4, {}});
  return shapes;
}

/// Of every kind of shape half: each kind of scales and tiles with one order.
static std::vector<Shape> takeHalf(const std::vector<Shape> &shapes) {
  std::vector<Shape> result;
  for (size_t i = 0; i < shapes.size(); ++i) {
    constexpr size_t perOrder = 6;
    bool isTaken = shapes[i].kind == WeightKind::Ternary
                       ? (i / perOrder + i) % 2 == 0
                       : shapes[i].rows > 1;
    if (isTaken)
      result.push_back(shapes[i]);
  }
  return result;
}

const std::vector<Shape> &sherry::testShapes() {
  static const std::vector<Shape> shapes =
      testsAll() ? makeShapes() : takeHalf(makeShapes());
  return shapes;
}

std::string sherry::functionName(size_t number) {
  return "linear" + std::to_string(number);
}

void sherry::printLinear(llvm::raw_ostream &out, const std::string &result,
                         const std::string &input, const Shape &shape,
                         const std::string &weight,
                         ActivationKind activations) {
  auto tensor = [](int64_t cols, const char *element) {
    return "tensor<?x" + std::to_string(cols) + "x" + element + ">";
  };
  std::string types = tensor(shape.cols, "f32"), operand = input;
  if (activations == ActivationKind::I8) {
    std::string quantized = "tensor<?x" + std::to_string(shape.cols) +
                            "xi8, #sherry.quantized<" +
                            (shape.strided ? "strided" : "contiguous") + ", " +
                            (shape.perToken ? "per_token [" : "[");
    llvm::raw_string_ostream list(quantized);
    llvm::interleaveComma(shape.blocks(), list,
                          [&](const InputBlock &b) { list << b.size; });
    list << "]";
    if (shape.kind == WeightKind::Blocks)
      list << " bias = " << shape.quantFormat->bias();
    list << ">>";
    operand = input + "q";
    out << "  " << operand << " = sherry.quantize_activations " << input
        << " : " << types << " -> " << quantized << "\n";
    types = quantized;
  }
  out << "  " << result << " = sherry.linear " << operand << ", @" << weight
      << " : " << types << " -> " << tensor(shape.rows, "f32") << "\n";
}

void sherry::printWeight(llvm::raw_ostream &out, const std::string &name,
                         const Shape &shape) {
  out << "sherry.weight @" << name << " count 1 from [\"w\"] rows ["
      << shape.rows << "] : " << shape.typeText() << "\n";
}

void sherry::printEntryPoint(llvm::raw_ostream &out) {
  out << "func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {\n"
         "  %y = arith.addf %x, %x : tensor<?x4xf32>\n"
         "  return %y : tensor<?x4xf32>\n"
         "}\n";
}

std::string sherry::moduleText(const std::vector<Shape> &shapes,
                               ActivationKind activations) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Shape &shape = shapes[i];
    std::string weight = "w" + std::to_string(i);
    printWeight(out, weight, shape);
    if (!shape.has(activations))
      continue;
    std::string result = "tensor<?x" + std::to_string(shape.rows) + "xf32>";
    out << "func.func @" << functionName(i) << "(%x: tensor<?x" << shape.cols
        << "xf32>) -> " << result << " {\n";
    printLinear(out, "%y", "%x", shape, weight, activations);
    out << "  return %y : " << result << "\n}\n";
  }
  printEntryPoint(out);
  return text;
}
