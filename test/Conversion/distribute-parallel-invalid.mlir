// RUN: sherry-opt %s -sherry-distribute-parallel -split-input-file -verify-diagnostics

func.func @no_team(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{the function has no !sherry.team to divide work among}}
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
  }
  return
}

// -----

func.func @two_dimensions(%n: index, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{only outermost loops of the form 0 to n step 1 can be divided}}
  scf.parallel (%i, %j) = (%c0, %c0) to (%n, %n) step (%c1, %c1) {
  }
  return
}

// -----

func.func @step(%n: index, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  // expected-error@+1 {{only outermost loops of the form 0 to n step 1 can be divided}}
  scf.parallel (%i) = (%c0) to (%n) step (%c2) {
  }
  return
}

// -----

// Not every thread comes to a barrier in a loop whose bounds differ.
func.func @nested(%n: index, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    // expected-error@+1 {{only outermost loops of the form 0 to n step 1 can be divided}}
    scf.parallel (%j) = (%c0) to (%n) step (%c1) {
    }
  }
  return
}
