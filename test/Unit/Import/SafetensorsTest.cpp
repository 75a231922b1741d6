//===- SafetensorsTest.cpp - Reader of the safetensors format -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Safetensors.h"
#include "TestFiles.h"

#include <sys/stat.h>
#include <vector>

using namespace sherry;
using namespace sherry::test;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {
class SafetensorsTest : public testing::Test {
protected:
  llvm::Expected<SafetensorsFile> open(const std::string &contents) {
    return SafetensorsFile::open(folder.write("w.safetensors", contents));
  }

  /// The message for a file of this header and so many bytes of data.
  std::string refusal(const std::string &header, size_t bytes = 16) {
    std::string message =
        messageOf(open(makeSafetensors(header, std::string(bytes, '\0'))));
    if (!message.empty()) {
      EXPECT_THAT(message, HasSubstr(folder.path("w.safetensors")));
    }
    return message;
  }

  std::string refuseEntry(const std::string &fields, size_t bytes = 16) {
    return refusal("{\"t\":{" + fields + "}}", bytes);
  }

  TempFolder folder;
};
} // namespace

TEST_F(SafetensorsTest, ReadsTheThreeTypes) {
  // 1, -2, 0.5, 3 in each type. The header's odd length leaves the data
  // unaligned.
  const unsigned char data[] = {
      0x80, 0x3f, 0x00, 0xc0, 0x00, 0x3f, 0x40, 0x40,             // BF16
      0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38, 0x00, 0x42,             // F16
      0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0,             // F32
      0x00, 0x00, 0x00, 0x3f, 0x00, 0x00, 0x40, 0x40,             //
      0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, // I8
  };
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}," +
                       makeEntry("b", "BF16", "[2,2]", 0, 8) + "," +
                       makeEntry("h", "F16", "[2,2]", 8, 16) + "," +
                       makeEntry("a", "F32", "[4]", 16, 32) + "," +
                       makeEntry("i", "I8", "[10]", 32, 42) + "}";
  header += std::string(header.size() % 2 ? 2 : 1, ' ');
  auto file = open(makeSafetensors(
      header, std::string(reinterpret_cast<const char *>(data), 42)));
  ASSERT_TRUE(bool(file)) << messageOf(std::move(file));
  EXPECT_THAT(file->getTensorNames(), ElementsAre("a", "b", "h", "i"));
  EXPECT_TRUE(file->hasTensor("i"));
  EXPECT_FALSE(file->hasTensor("__metadata__"));

  for (llvm::StringRef name : {"a", "b", "h"}) {
    auto tensor = file->getTensor(name);
    ASSERT_TRUE(bool(tensor));
    EXPECT_EQ(tensor->getRows(), name == "a" ? 1 : 2);
    EXPECT_EQ(tensor->getCols(), name == "a" ? 4 : 2);
    std::vector<float> values(4, 77);
    EXPECT_EQ(messageOf(tensor->readRows(0, tensor->getRows(), values.data())),
              "");
    EXPECT_THAT(values, ElementsAre(1, -2, 0.5, 3));
  }
  auto tensor = file->getTensor("b");
  ASSERT_TRUE(bool(tensor));
  EXPECT_EQ(tensor->getTensorType(), format::TensorType::BF16);
  EXPECT_EQ(tensor->getBytes().size(), 8u);
  std::vector<float> values(2);
  EXPECT_EQ(messageOf(tensor->readRows(1, 1, values.data())), "");
  EXPECT_THAT(values, ElementsAre(0.5, 3));

  EXPECT_THAT(messageOf(file->getTensor("i")),
              mentions("w.safetensors", "\"i\"", "I8", "BF16, F16 or F32"));
  EXPECT_THAT(messageOf(file->getTensor("x")), mentions("no tensor \"x\""));
}

TEST_F(SafetensorsTest, RefusesRowsThatDoNotExist) {
  auto file = open(makeSafetensors(
      "{" + makeEntry("t", "F32", "[2,2]", 0, 16) + "}", std::string(16, 0)));
  ASSERT_TRUE(bool(file));
  auto tensor = file->getTensor("t");
  ASSERT_TRUE(bool(tensor));
  float out[4];
  EXPECT_EQ(messageOf(tensor->readRows(2, 0, out)), "");
  EXPECT_THAT(messageOf(tensor->readRows(1, 2, out)), mentions("has 2 rows"));
  EXPECT_THAT(messageOf(tensor->readRows(3, 0, out)), mentions("has 2 rows"));
  EXPECT_THAT(messageOf(tensor->readRows(-1, 1, out)), mentions("has 2 rows"));
  EXPECT_THAT(messageOf(tensor->readRows(1, INT64_MAX, out)),
              mentions("has 2 rows"));
}

TEST_F(SafetensorsTest, NamesNaNAndInfinity) {
  std::string header = "{" + makeEntry("nan", "BF16", "[2,2]", 0, 8) + "," +
                       makeEntry("inf", "F16", "[2,2]", 8, 16) + "}";
  std::string data(16, '\0');
  data[4] = '\xc0', data[5] = '\x7f';   // [1][0]
  data[14] = '\x00', data[15] = '\xfc'; // [1][1]
  auto file = open(makeSafetensors(header, data));
  ASSERT_TRUE(bool(file));
  float out[4];
  EXPECT_THAT(messageOf(file->getTensor("nan")->readRows(0, 2, out)),
              mentions("w.safetensors", "\"nan\"", "row 1, column 0 is NaN"));
  EXPECT_THAT(messageOf(file->getTensor("inf")->readRows(1, 1, out)),
              mentions("\"inf\"", "row 1, column 1 is infinite"));
  EXPECT_EQ(messageOf(file->getTensor("inf")->readRows(0, 1, out)), "");
}

TEST_F(SafetensorsTest, AcceptsEmptyAndScalarTensors) {
  auto file =
      open(makeSafetensors("{" + makeEntry("e", "F32", "[0,3]", 4, 4) + "," +
                               makeEntry("s", "F32", "[]", 0, 4) + "}",
                           std::string(4, '\0')));
  ASSERT_TRUE(bool(file)) << messageOf(std::move(file));
  EXPECT_EQ(file->getTensor("e")->getRows(), 0);
  EXPECT_EQ(file->getTensor("s")->getCols(), 1);
  float value = 77;
  EXPECT_EQ(messageOf(file->getTensor("s")->readRows(0, 1, &value)), "");
  EXPECT_EQ(value, 0);
}

TEST_F(SafetensorsTest, RefusesFilesThatCannotBeRead) {
  EXPECT_THAT(messageOf(SafetensorsFile::open(folder.path("none"))),
              mentions(folder.path("none"), "No such file"));
  EXPECT_THAT(messageOf(SafetensorsFile::open(folder.path())),
              mentions("not a regular file"));
  // Opening a pipe would wait for a writer.
  ASSERT_EQ(mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(messageOf(SafetensorsFile::open(folder.path("pipe"))),
              mentions("not a regular file"));
}

TEST_F(SafetensorsTest, RefusesBadHeaderLengths) {
  EXPECT_THAT(messageOf(open("")), mentions("has 0 bytes", "download"));
  EXPECT_THAT(messageOf(open("1234567")), mentions("has 7 bytes"));
  std::string good = makeSafetensors("{}", "");
  EXPECT_EQ(messageOf(open(good)), "");
  EXPECT_THAT(messageOf(open(good.substr(0, 9))),
              mentions("header length at byte 0 is 2", "only 1 bytes follow"));
  EXPECT_THAT(messageOf(open(std::string(8, '\xff') + "{}")),
              mentions("18446744073709551615"));
  std::string path = folder.write("big", makeSafetensors("{}", ""));
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
      .write("\x01\xe1\xf5\x05", 4); // 100'000'001
  std::filesystem::resize_file(path, 100'000'100);
  EXPECT_THAT(messageOf(SafetensorsFile::open(path)), mentions("limit"));
}

TEST_F(SafetensorsTest, RefusesBadJson) {
  // 8 bytes of length, then the text: the offset is one in the file.
  EXPECT_THAT(refusal("{\"t\":x}"), mentions("byte 14 is not valid JSON"));
  EXPECT_THAT(refusal(""), mentions("not valid JSON"));
  EXPECT_THAT(refusal("[]"), mentions("not a JSON object"));
  EXPECT_THAT(refusal("{\"t\":3}"), mentions("\"t\""));
  EXPECT_THAT(refusal("{\"\xff\":3}"), mentions("not valid JSON"));
  EXPECT_THAT(refusal("{\"t\":1e999}"), mentions("not valid JSON"));
  std::string entry = makeEntry("t", "F32", "[4]", 0, 16);
  EXPECT_EQ(refusal("{" + entry + "}"), "");
  EXPECT_THAT(refusal("{" + entry + "," + entry + "}"),
              mentions("\"t\" occurs twice"));
  EXPECT_THAT(refuseEntry("\"dtype\":\"F32\",\"dtype\":\"F16\""),
              mentions("\"dtype\" occurs twice"));
  EXPECT_THAT(refusal("{\"t\":" + std::string(1000000, '[')),
              mentions("nested too deeply"));
}

TEST_F(SafetensorsTest, RefusesBadFields) {
  const std::string dtype = "\"dtype\":\"F32\"", shape = ",\"shape\":[4]",
                    offsets = ",\"data_offsets\":[0,16]";
  EXPECT_EQ(refuseEntry(dtype + shape + offsets), "");
  EXPECT_THAT(refuseEntry("\"shape\":[4]" + offsets),
              mentions("tensor \"t\"", "dtype", "missing"));
  EXPECT_THAT(refuseEntry("\"dtype\":7" + shape + offsets),
              mentions("dtype\" is 7"));
  EXPECT_THAT(refuseEntry(dtype + offsets), mentions("shape\" is missing"));
  EXPECT_THAT(refuseEntry(dtype + shape), mentions("data_offsets", "missing"));
  for (std::string bad :
       {"4", "[-4]", "[4.0]", "[\"4\"]", "[18446744073709551615]",
        "[4294967296,4294967296]", "[9223372036854775807]"})
    EXPECT_THAT(refuseEntry(dtype + ",\"shape\":" + bad + offsets),
                mentions("tensor \"t\"", "shape", "fits 63 bits"))
        << bad;
  for (std::string bad :
       {"7", "[0]", "[0,16,16]", "[16,0]", "[1,17]", "[-16,0]", "[0,16.0]",
        "[18446744073709551608,8]", "[0,18446744073709551615]"})
    EXPECT_THAT(refuseEntry(dtype + shape + ",\"data_offsets\":" + bad),
                mentions("tensor \"t\"", "data_offsets", "end <= 16"))
        << bad;
  EXPECT_THAT(refuseEntry(dtype + ",\"shape\":[3]" + offsets),
              mentions("data_offsets\" is [0,16]", "12 bytes apart"));
  // What is not read is not measured, but it has to lie in the file.
  EXPECT_EQ(refuseEntry("\"dtype\":\"F4\",\"shape\":[32]" + offsets), "");
  EXPECT_THAT(refuseEntry("\"dtype\":\"F4\",\"shape\":[32]" + offsets, 15),
              mentions("truncated"));
}

TEST_F(SafetensorsTest, RefusesOverlaps) {
  std::string a = makeEntry("a", "F32", "[2]", 0, 8);
  EXPECT_EQ(refusal("{" + a + "," + makeEntry("b", "F32", "[2]", 8, 16) + "}"),
            "");
  EXPECT_THAT(
      refusal("{" + a + "," + makeEntry("b", "F32", "[2]", 4, 12) + "}"),
      mentions("\"a\" and \"b\" overlap"));
  EXPECT_THAT(refusal("{" + a + "," + makeEntry("b", "I64", "[1]", 0, 8) + "}"),
              mentions("overlap"));
}

TEST_F(SafetensorsTest, EscapesNamesInMessages) {
  std::string message = refusal("{\"\\u001b[2J\":3}");
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_THAT(message, HasSubstr("\\x1b[2J"));
}
