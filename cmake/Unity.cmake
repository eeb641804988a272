# Sources of one module compiled together, at most so many at once: what they include is then read once for all of them.
# Names in anonymous namespaces differ within a module, as the release preset, which builds so, shows. Edits of one
# source then compile its whole group, so that the other presets do without.
set(_sources_at_once 12)

# strata_unity(TARGET SOURCE...): the sources are called src/MODULE/... or tools/...
function(strata_unity target)
  if(NOT STRATA_UNITY)
    return()
  endif()
  foreach(source ${ARGN})
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${source})
    string(REGEX REPLACE "^(src/)?([a-z]+)/.*" "\\2" module ${path})
    if(NOT DEFINED count_${module})
      set(count_${module} 0)
    endif()
    math(EXPR number "${count_${module}} / ${_sources_at_once}")
    math(EXPR count_${module} "${count_${module}} + 1")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${module}_${number})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # A source's anonymous namespace is its own, though the compiler sees that the source is included.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
endfunction()
