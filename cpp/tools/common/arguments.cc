#include "common/arguments.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <utility>

#include "tftrt/error.h"

namespace tftrt::tools {
namespace {

int Count(const std::string& name, const std::string& text, int least = 1) {
  int value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || last != text.data() + text.size() || value < least) {
    FailValue(name, text, "a number from " + std::to_string(least) + " on");
  }
  return value;
}

int Fail(const char* tool, const std::exception& error, int status) {
  std::fprintf(stderr, "%s: %s\n", tool, error.what());
  return status;
}

}  // namespace

void FailValue(const std::string& name, const std::string& value, const std::string& expected) {
  throw InvalidArgumentError("--" + name + " is \"" + value + "\"; expected " + expected);
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

Setter ToText(std::string& target) {
  return [&target](const std::string&, const std::string& value) { target = value; };
}

Setter ToCount(int& target, int least) {
  return [&target, least](const std::string& name, const std::string& value) { target = Count(name, value, least); };
}

Setter ToCounts(std::vector<int>& target) {
  return [&target](const std::string& name, const std::string& value) {
    target.clear();
    for (const std::string& part : Split(value, ',')) target.push_back(Count(name, part));
    if (target.empty()) FailValue(name, value, "numbers separated by commas");
  };
}

Setter ToSeconds(double& target) {
  return [&target](const std::string& name, const std::string& value) {
    char* end = nullptr;
    target = std::strtod(value.c_str(), &end);
    if (value.empty() || *end != '\0' || !(target >= 0)) FailValue(name, value, "seconds");
  };
}

Setter ToShapes(std::map<std::string, Shape>& target) {
  return [&target](const std::string& name, const std::string& value) {
    for (const std::string& part : Split(value, ',')) {
      const std::size_t colon = part.rfind(':');
      if (colon == std::string::npos) FailValue(name, value, "shapes by input, such as image:8x64x64x3");
      Shape shape;
      for (const std::string& dim : Split(part.substr(colon + 1), 'x')) shape.push_back(Count(name, dim));
      target[part.substr(0, colon)] = std::move(shape);
    }
  };
}

bool ParseArguments(const std::vector<std::string>& arguments, const std::map<std::string, Setter>& setters) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "--help" || name == "-h") return false;
    if (name.rfind("--", 0) != 0) throw InvalidArgumentError("expected a flag, found \"" + name + "\"; see --help");
    name.erase(0, 2);
    const std::size_t equals = name.find('=');
    std::string value = equals == std::string::npos ? "" : name.substr(equals + 1);
    name = name.substr(0, equals);
    const auto setter = setters.find(name);
    if (setter == setters.end()) throw InvalidArgumentError("unknown flag --" + name + "; see --help");
    if (equals == std::string::npos) {
      if (++i == arguments.size()) throw InvalidArgumentError("--" + name + " needs a value; see --help");
      value = arguments[i];
    }
    setter->second(name, value);
  }
  return true;
}

int RunTool(const char* tool, const std::function<int()>& body) {
  try {
    return body();
  } catch (const InvalidArgumentError& error) {
    return Fail(tool, error, 2);
  } catch (const std::exception& error) {
    return Fail(tool, error, 1);
  }
}

}  // namespace tftrt::tools
