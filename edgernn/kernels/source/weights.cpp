#include "weights.h"

#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>

#include "kinds.h"

namespace edgernn {

namespace {

// A block of int4's integers, from the order of a file to that of a product: groups of one output lie kTile groups
// apart.
void pack_block(const uint8_t* from, int size, uint8_t* to) {
  const int half = size / 2, both = 2 * kGroup;
  for (int k = 0; k < size; ++k) {
    const int integer = k < half ? from[k] & 15 : from[k - half] >> 4;
    to[static_cast<size_t>(k / both) * kTile * kGroup + k % kGroup] |=
        static_cast<uint8_t>(k % both < kGroup ? integer : integer << 4);
  }
}

}  // namespace

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
  layer_.units = source.units;
  layer_.padded = round_up(source.units, kUnits);
  layer_.directions = static_cast<int>(source.reversed.size());
  const KindOfLayer& kind = about(source.kind);
  const int gates = kind.gates, units = source.units, padded = layer_.padded;
  for (int d = 0; d < layer_.directions; ++d) {
    Direction& direction = layer_.direction[d];
    direction.reversed = source.reversed[d];
    // B holds the input's biases of all gates, then the state's.
    const size_t rows = static_cast<size_t>(gates) * units, biases = kind.has_recurrent ? 2 * rows : rows;
    pack({source.w, source.inputs, units, gates, source.bias, biases}, d, 0, gates, direction.input);
    if (kind.has_recurrent) {
      const Rows of_state{source.r, source.hidden, units, gates, source.bias == nullptr ? nullptr : source.bias + rows,
                          biases};
      const int together = source.resets_first ? gates - 1 : gates;
      pack(of_state, d, 0, together, direction.recurrent);
      if (source.resets_first) pack(of_state, d, together, 1, direction.candidate);
    }
    if (kind.projects) pack({source.v, units, source.hidden, 1, nullptr, 0}, d, 0, 1, direction.projection);
    if (source.vectors != nullptr) {
      const size_t blocks = kind.vectors;
      auto* vectors = take<float>(blocks * padded);
      for (size_t block = 0; block < blocks; ++block) {
        std::memcpy(vectors + block * padded, source.vectors + (d * blocks + block) * units, sizeof(float) * units);
      }
      direction.vectors = vectors;
    }
  }
}

void Weights::pack(const Rows& rows, int direction, int first_gate, int gates, Matrix& matrix) {
  const SourceMatrix& from = rows.from;
  const int columns = rows.columns, padded = round_up(rows.units, kUnits);
  matrix.inputs = columns;
  matrix.outputs = round_up(gates * padded, kTile);
  const int groups = (columns + kGroup - 1) / kGroup;
  auto* bias = take<float>(matrix.outputs);
  float *floats = nullptr, *scales = nullptr;
  int8_t* integers = nullptr;
  int32_t* sums = nullptr;
  uint8_t* nibbles = nullptr;
  uint16_t* block_scales = nullptr;
  const size_t outputs = matrix.outputs;
  if (from.nibbles != nullptr) {
    const size_t blocks = outputs * ((columns + from.block - 1) / from.block);
    matrix.block = from.block;
    matrix.nibbles = nibbles = take<uint8_t>(blocks * from.block / 2);
    matrix.block_scales = block_scales = take<uint16_t>(blocks);
    matrix.bytes = blocks * from.block / 2;
  } else if (from.integers == nullptr) {
    matrix.floats = floats = take<float>(outputs * columns);
    matrix.bytes = outputs * columns * sizeof(float);
  } else {
    matrix.integers = integers = take<int8_t>(outputs * groups * kGroup);
    matrix.scales = scales = take<float>(outputs);
    matrix.sums = sums = take<int32_t>(outputs);
    matrix.bytes = outputs * groups * kGroup;
  }
  matrix.bias = bias;
  for (int gate = 0; gate < gates; ++gate) {
    for (int unit = 0; unit < rows.units; ++unit) {
      const int output = gate * padded + unit, tile = output / kTile, within = output % kTile;
      const size_t within_direction = static_cast<size_t>(first_gate + gate) * rows.units + unit;
      const size_t row = static_cast<size_t>(direction) * rows.all_gates * rows.units + within_direction;
      if (rows.bias != nullptr) bias[output] = rows.bias[direction * rows.bias_stride + within_direction];
      if (nibbles != nullptr) {
        const size_t blocks = (columns + from.block - 1) / from.block;
        for (size_t block = 0; block < blocks; ++block) {
          const size_t first = (tile * blocks + block) * kTile, bytes = from.block / 2;
          pack_block(from.nibbles + (row * blocks + block) * bytes, from.block,
                     nibbles + first * bytes + static_cast<size_t>(within) * kGroup);
          block_scales[first + within] = from.block_scales[row * blocks + block];
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
      a.hidden != b.hidden || a.units != b.units || a.directions != b.directions ||
      buffers_.size() != other.buffers_.size()) {
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
