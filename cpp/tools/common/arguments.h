#ifndef TFTRT_TOOLS_COMMON_ARGUMENTS_H_
#define TFTRT_TOOLS_COMMON_ARGUMENTS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tftrt/tensor.h"

namespace tftrt::tools {

// Takes the value of a flag; throws InvalidArgumentError if it is none.
using Setter = std::function<void(const std::string& name, const std::string& value)>;

// Hands "--name value" and "--name=value" to the setter of that name. False if help was asked for instead. Throws
// InvalidArgumentError.
bool ParseArguments(const std::vector<std::string>& arguments, const std::map<std::string, Setter>& setters);

// Throws InvalidArgumentError: the flag's value is not what was expected.
[[noreturn]] void FailValue(const std::string& name, const std::string& value, const std::string& expected);

std::vector<std::string> Split(const std::string& text, char separator);

// Setters of these; counts are from 1 on, or `least`, lists are separated by commas, shapes are
// "image:8x64x64x3,mask:8x64". A flag that comes again replaces what it said, of the inputs that it names.
Setter ToText(std::string& target);
Setter ToCount(int& target, int least = 1);
Setter ToCounts(std::vector<int>& target);
Setter ToSeconds(double& target);
Setter ToShapes(std::map<std::string, Shape>& target);

// What main returns: what `body` does, 2 for wrong usage and 1 for another failure, which it prints.
int RunTool(const char* tool, const std::function<int()>& body);

}  // namespace tftrt::tools

#endif  // TFTRT_TOOLS_COMMON_ARGUMENTS_H_
