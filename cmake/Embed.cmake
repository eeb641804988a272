# Files that the library carries in itself, since it may be installed without sources.

# strata_embed(SOURCES FILE HEADER FUNCTION): a source, added to the list SOURCES, that defines FUNCTION, a
# std::string_view() which HEADER declares, to give the text of FILE as it was at configuration. A changed file
# configures anew.
function(strata_embed sources file header function)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  cmake_path(GET file FILENAME name)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded.cpp.in ${PROJECT_BINARY_DIR}/embedded/${name}.cpp @ONLY)
  set(${sources} ${${sources}} ${PROJECT_BINARY_DIR}/embedded/${name}.cpp PARENT_SCOPE)
endfunction()
