// Just enough JSON to read golden.json.
#pragma once

#include <cctype>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace edge {

/// A value: a number, a text, a list, or an object (its names in `names`, its values in `items`).
struct Json {
  enum class Kind { none, number, text, list, object } kind = Kind::none;
  double number = 0;
  std::string text;
  std::vector<Json> items;
  std::vector<std::string> names;

  const Json& at(const char* name) const {
    for (std::size_t index = 0; index < names.size(); ++index) {
      if (names[index] == name) return items[index];
    }
    throw std::runtime_error(std::string("golden.json: no ") + name);
  }
};

class JsonReader {
 public:
  explicit JsonReader(const std::string& source) : at_(source.c_str()), end_(at_ + source.size()) {}

  Json read() {
    Json value = read_value(0);
    skip();
    if (at_ != end_) fail();
    return value;
  }

 private:
  static constexpr int kDeepest = 16;

  [[noreturn]] static void fail() { throw std::runtime_error("golden.json: damaged"); }

  void skip() {
    while (at_ != end_ && std::isspace(static_cast<unsigned char>(*at_)) != 0) ++at_;
  }

  bool take(char wanted) {
    skip();
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  std::string read_text() {
    std::string text;
    while (at_ != end_ && *at_ != '"') {
      if (*at_ == '\\') fail();  // the names and texts of golden.json need none
      text.push_back(*at_++);
    }
    if (!take('"')) fail();
    return text;
  }

  Json read_value(int depth) {
    if (depth > kDeepest) fail();
    Json value;
    if (take('"')) {
      value.kind = Json::Kind::text;
      value.text = read_text();
    } else if (take('[')) {
      value.kind = Json::Kind::list;
      if (take(']')) return value;
      do value.items.push_back(read_value(depth + 1));
      while (take(','));
      if (!take(']')) fail();
    } else if (take('{')) {
      value.kind = Json::Kind::object;
      if (take('}')) return value;
      do {
        if (!take('"')) fail();
        value.names.push_back(read_text());
        if (!take(':')) fail();
        value.items.push_back(read_value(depth + 1));
      } while (take(','));
      if (!take('}')) fail();
    } else {
      value.kind = Json::Kind::number;
      char* after = nullptr;
      value.number = std::strtod(at_, &after);  // in the C locale, which a program has unless it asks for another
      if (after == at_ || after > end_) fail();
      at_ = after;
    }
    return value;
  }

  const char* at_;
  const char* end_;
};

}  // namespace edge
