# SPDX-License-Identifier: Apache-2.0
# cmake -DFOLDER=... -DOUT=FILE.cpp -P embed.cmake: the files of a folder as arrays, as they are and as gzip makes them.
file(GLOB files ${FOLDER}/*)
set(arrays "")
set(rows "")
set(number 0)

function(array name path)
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  set(arrays "${arrays}constexpr unsigned char ${name}[] = {${hex}};\n" PARENT_SCOPE)
endfunction()

foreach(path ${files})
  get_filename_component(name ${path} NAME)
  set(packed ${OUT}.gz)
  execute_process(COMMAND gzip -9nc ${path} OUTPUT_FILE ${packed} RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "gzip -9nc ${path} failed: ${failed}")
  endif()
  array(plain${number} ${path})
  array(gzip${number} ${packed})
  set(rows "${rows}    {\"${name}\", text(plain${number}), text(gzip${number})},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(REMOVE ${OUT}.gz)
file(WRITE ${OUT} "// Made by plugins/web/embed.cmake.
#include \"plugins/web/page.hpp\"

namespace Atoll::web {
namespace {
${arrays}
template <std::size_t N>
std::string_view text(const unsigned char (&bytes)[N]) {
  return {reinterpret_cast<const char *>(bytes), N};
}
}  // namespace

std::span<const PageFile> page_files() {
  static const PageFile files[] = {
${rows}  };
  return files;
}

}  // namespace Atoll::web
")
