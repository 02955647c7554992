// The part of the GNU Scientific Library that the lab uses: see Sources/Statistics.
#pragma once
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_qrng.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_roots.h>
#include <gsl/gsl_sf_erf.h>
#include <gsl/gsl_sf_exp.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_log.h>
#include <gsl/gsl_statistics_double.h>

// GSL's kinds of generators are variables, which Swift rightly takes for shared state.
static inline const gsl_qrng_type *weir_gsl_sobol(void) { return gsl_qrng_sobol; }
