#include "wave.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace edge {

Wave read_wave(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<unsigned char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto number = [&](std::size_t at, int size) {
    std::uint32_t value = 0;
    for (int index = size - 1; index >= 0; --index) value = value << 8 | bytes[at + static_cast<std::size_t>(index)];
    return value;
  };
  const auto is = [&](std::size_t at, const char* name) { return std::memcmp(bytes.data() + at, name, 4) == 0; };
  if (bytes.size() < 12 || !is(0, "RIFF") || !is(8, "WAVE")) throw std::invalid_argument(path + ": not a .wav file");
  std::uint32_t channels = 0;
  std::uint32_t rate = 0;
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::size_t start = at + 8;
    const std::size_t size = std::min<std::size_t>(number(at + 4, 4), bytes.size() - start);
    if (is(at, "fmt ") && size >= 16) {
      const std::uint32_t code = number(start, 2);
      if (number(start + 14, 2) != 16 || (code != 1 && code != 0xfffe)) {
        throw std::invalid_argument(path + ": expected 16-bit samples");
      }
      channels = number(start + 2, 2);
      rate = number(start + 4, 4);
    } else if (is(at, "data") && channels != 0) {
      Wave wave{std::vector<float>(size / 2 / channels), static_cast<double>(rate)};
      for (std::size_t frame = 0; frame < wave.samples.size(); ++frame) {
        float sum = 0;
        for (std::uint32_t channel = 0; channel < channels; ++channel) {
          sum += static_cast<float>(static_cast<std::int16_t>(number(start + 2 * (frame * channels + channel), 2)));
        }
        wave.samples[frame] = sum / static_cast<float>(channels) / 32768.0F;
      }
      return wave;
    }
    at = start + size + size % 2;
  }
  throw std::invalid_argument(path + ": a .wav file without samples");
}

}  // namespace edge
