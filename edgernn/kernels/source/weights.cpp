#include "weights.h"

#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>

namespace edgernn {

int gates_of(Kind kind) {
  switch (kind) {
    case Kind::kRnn:
      return 1;
    case Kind::kLstm:
      return 4;
    case Kind::kGru:
      return 3;
  }
  return 0;
}

void Weights::Release::operator()(char* memory) const {
  ::operator delete(memory, std::align_val_t(kAlignment));
}

template <class T>
T* Weights::take(size_t count) {
  const size_t bytes = (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
  auto* memory = static_cast<char*>(::operator new(bytes, std::align_val_t(kAlignment)));
  std::memset(memory, 0, bytes);
  buffers_.push_back({std::unique_ptr<char, Release>(memory), bytes});
  return reinterpret_cast<T*>(memory);
}

Weights::Weights(const Source& source) {
  layer_.kind = source.kind;
  layer_.activation = source.activation;
  layer_.resets_first = source.resets_first;
  layer_.inputs = source.inputs;
  layer_.hidden = source.hidden;
  layer_.padded = round_up(source.hidden, kUnits);
  layer_.directions = static_cast<int>(source.reversed.size());
  const int gates = gates_of(source.kind), hidden = source.hidden, padded = layer_.padded;
  for (int d = 0; d < layer_.directions; ++d) {
    Direction& direction = layer_.direction[d];
    direction.reversed = source.reversed[d];
    pack(source, source.w, source.inputs, d, 0, gates, direction.input);
    const int together = source.resets_first ? gates - 1 : gates;
    pack(source, source.r, hidden, d, 0, together, direction.recurrent);
    if (source.resets_first) pack(source, source.r, hidden, d, together, 1, direction.candidate);
    if (source.peepholes != nullptr) {
      auto* peepholes = take<float>(3 * static_cast<size_t>(padded));
      for (int gate = 0; gate < 3; ++gate) {
        std::memcpy(peepholes + static_cast<size_t>(gate) * padded,
                    source.peepholes + (static_cast<size_t>(d) * 3 + gate) * hidden, sizeof(float) * hidden);
      }
      direction.peepholes = peepholes;
    }
  }
}

void Weights::pack(const Source& source, const SourceMatrix& from, int columns, int direction, int first_gate,
                   int gates, Matrix& matrix) {
  const int hidden = source.hidden, padded = layer_.padded, all_gates = gates_of(source.kind);
  matrix.inputs = columns;
  matrix.outputs = round_up(gates * padded, kTile);
  const int groups = (columns + kGroup - 1) / kGroup;
  auto* bias = take<float>(matrix.outputs);
  float *floats = nullptr, *scales = nullptr;
  int8_t* integers = nullptr;
  int32_t* sums = nullptr;
  uint8_t* nibbles = nullptr;
  uint16_t* block_scales = nullptr;
  if (from.nibbles != nullptr) {
    matrix.block = from.block;
    const size_t count = static_cast<size_t>(matrix.outputs) * ((columns + from.block - 1) / from.block);
    matrix.nibbles = nibbles = take<uint8_t>(count * from.block / 2);
    matrix.block_scales = block_scales = take<uint16_t>(count);
  } else if (from.integers == nullptr) {
    matrix.floats = floats = take<float>(static_cast<size_t>(matrix.outputs) * columns);
  } else {
    matrix.integers = integers = take<int8_t>(static_cast<size_t>(matrix.outputs) * groups * kGroup);
    matrix.scales = scales = take<float>(matrix.outputs);
    matrix.sums = sums = take<int32_t>(matrix.outputs);
  }
  matrix.bias = bias;
  const size_t count = static_cast<size_t>(matrix.outputs) * columns;
  matrix.bytes = nibbles != nullptr ? count / 2 : integers != nullptr ? count : count * sizeof(float);
  // B holds the input's biases of all gates, then the state's.
  const bool of_input = &from == &source.w;
  for (int gate = 0; gate < gates; ++gate) {
    for (int unit = 0; unit < hidden; ++unit) {
      const int output = gate * padded + unit, tile = output / kTile, within = output % kTile;
      const size_t row = (static_cast<size_t>(direction) * all_gates + first_gate + gate) * hidden + unit;
      if (source.bias != nullptr) {
        const size_t part = static_cast<size_t>(direction) * 2 + (of_input ? 0 : 1);
        bias[output] = source.bias[(part * all_gates + first_gate + gate) * hidden + unit];
      }
      if (nibbles != nullptr) {
        const size_t blocks = static_cast<size_t>((columns + from.block - 1) / from.block);
        for (size_t block = 0; block < blocks; ++block) {
          const size_t first = (static_cast<size_t>(tile) * blocks + block) * kTile;
          block_scales[first + within] = from.block_scales[row * blocks + block];
          uint8_t* to = nibbles + first * from.block / 2 + static_cast<size_t>(within) * kGroup;
          const uint8_t* of = from.nibbles + (row * blocks + block) * from.block / 2;
          for (int k = 0; k < from.block; ++k) {
            const int both = 2 * kGroup, half = from.block / 2;
            const int nibble = k < half ? of[k] & 15 : of[k - half] >> 4;
            to[static_cast<size_t>(k / both) * kTile * kGroup + k % kGroup] |=
                static_cast<uint8_t>(k % both < kGroup ? nibble : nibble << 4);
          }
        }
      } else if (floats != nullptr) {
        float* to = floats + static_cast<size_t>(tile) * columns * kTile + within;
        for (int k = 0; k < columns; ++k) to[static_cast<size_t>(k) * kTile] = from.floats[row * columns + k];
      } else {
        int8_t* to = integers + static_cast<size_t>(tile) * groups * kTile * kGroup + within * kGroup;
        for (int k = 0; k < columns; ++k) {
          const int8_t weight = from.integers[row * columns + k];
          to[static_cast<size_t>(k / kGroup) * kTile * kGroup + k % kGroup] = weight;
          sums[output] += weight;
        }
        scales[output] = from.scales[row];
      }
    }
  }
}

bool Weights::equals(const Weights& other) const {
  const Layer &a = layer_, &b = other.layer_;
  if (a.kind != b.kind || a.activation != b.activation || a.resets_first != b.resets_first || a.inputs != b.inputs ||
      a.hidden != b.hidden || a.directions != b.directions || buffers_.size() != other.buffers_.size()) {
    return false;
  }
  for (int d = 0; d < a.directions; ++d) {
    // What else differs shows in the number and sizes of the buffers.
    if (a.direction[d].reversed != b.direction[d].reversed) return false;
  }
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].bytes != other.buffers_[i].bytes ||
        std::memcmp(buffers_[i].memory.get(), other.buffers_[i].memory.get(), buffers_[i].bytes) != 0) {
      return false;
    }
  }
  return true;
}

uint64_t Weights::digest() const {
  uint64_t digest = 1469598103934665603u;  // FNV-1a, eight bytes at a time; equality is looked at afterwards
  for (const Buffer& buffer : buffers_) {
    for (size_t at = 0; at < buffer.bytes; at += sizeof(uint64_t)) {
      uint64_t word;
      std::memcpy(&word, buffer.memory.get() + at, sizeof word);
      digest = (digest ^ word) * 1099511628211u;
    }
  }
  return digest;
}

std::shared_ptr<const Weights> shared_weights(const Source& source) {
  static std::mutex mutex;
  static std::unordered_multimap<uint64_t, std::weak_ptr<const Weights>> alive;
  auto fresh = std::make_shared<const Weights>(source);
  const uint64_t digest = fresh->digest();
  const std::lock_guard<std::mutex> guard(mutex);
  for (auto entry = alive.begin(); entry != alive.end();) {
    entry = entry->second.expired() ? alive.erase(entry) : std::next(entry);
  }
  const auto [first, last] = alive.equal_range(digest);
  for (auto entry = first; entry != last; ++entry) {
    const auto found = entry->second.lock();
    if (found != nullptr && found->equals(*fresh)) return found;
  }
  alive.emplace(digest, fresh);
  return fresh;
}

}  // namespace edgernn
