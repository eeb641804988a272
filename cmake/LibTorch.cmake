# Imported targets for the LibTorch that lies in a `torch` wheel.
#
# find_package(Torch) is not used: with a CUDA wheel it demands nvcc, NVTX and kineto and rewrites the CUDA flags.
# Gives `strata::libtorch` (ATen on the CPU). STRATA_TORCH_DIR is the wheel's `torch/` folder.

set(_strata_torch_version 2.11.0)
if(NOT STRATA_TORCH_DIR)
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(_cache $ENV{XDG_CACHE_HOME})
  else()
    set(_cache $ENV{HOME}/.cache)
  endif()
  file(GLOB _found ${_cache}/strata/libtorch-${_strata_torch_version}/lib/python3*/site-packages/torch)
  list(GET _found 0 _found_first)
  set(STRATA_TORCH_DIR ${_found_first} CACHE PATH "the torch/ folder of the torch ${_strata_torch_version} wheel" FORCE)
endif()
if(NOT EXISTS ${STRATA_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch not found (STRATA_TORCH_DIR='${STRATA_TORCH_DIR}'); scripts/install.sh installs it")
endif()

get_filename_component(_site ${STRATA_TORCH_DIR} DIRECTORY)
# libtorch_cpu needs libcudart and libcupti at run time even where nothing uses a GPU.
set(_nvidia_lib ${_site}/nvidia/cu13/lib)

add_library(strata_libtorch INTERFACE)
add_library(strata::libtorch ALIAS strata_libtorch)
set_target_properties(strata_libtorch PROPERTIES EXPORT_NAME libtorch)
target_include_directories(strata_libtorch SYSTEM INTERFACE
  ${STRATA_TORCH_DIR}/include ${STRATA_TORCH_DIR}/include/torch/csrc/api/include)
target_compile_definitions(strata_libtorch INTERFACE USE_DISTRIBUTED AT_PER_OPERATOR_HEADERS)
# GCC's own libgomp has the same soname as the one that the wheel bundles: one OpenMP runtime serves the process.
target_compile_options(strata_libtorch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
# libtorch_cpu exports the symbols of a Gloo of its own, of another version: whatever links both must meet Debian's first.
find_library(STRATA_GLOO gloo REQUIRED)
target_link_libraries(strata_libtorch INTERFACE -Wl,--no-as-needed ${STRATA_GLOO}
  ${STRATA_TORCH_DIR}/lib/libtorch_cpu.so ${STRATA_TORCH_DIR}/lib/libc10.so ${STRATA_TORCH_DIR}/lib/libgomp.so.1)
target_link_options(strata_libtorch INTERFACE -Wl,-rpath-link,${_nvidia_lib})

# What programs put in their RUNPATH.
set(STRATA_RUNPATH ${STRATA_TORCH_DIR}/lib ${_nvidia_lib} ${_site}/nvidia/nccl/lib)
