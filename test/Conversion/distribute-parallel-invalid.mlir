// RUN: sherry-opt %s -sherry-distribute-parallel -split-input-file -verify-diagnostics

func.func @no_team(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{the function has no !sherry.team to divide work among}}
  affine.parallel (%i) = (0) to (symbol(%n)) {
  }
  return
}

// -----

func.func @two_dimensions(%n: index, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{only outermost loops of the form 0 to n step 1 can be divided}}
  affine.parallel (%i, %j) = (0, 0) to (symbol(%n), symbol(%n)) {
  }
  return
}

// -----

func.func @step(%n: index, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  // expected-error@+1 {{only outermost loops of the form 0 to n step 1 can be divided}}
  affine.parallel (%i) = (0) to (symbol(%n)) step (2) {
  }
  return
}

// -----

// All threads come to the same steps.
func.func @nested(%n: index, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  affine.parallel (%i) = (0) to (symbol(%n)) {
    // expected-error@+1 {{only outermost loops of the form 0 to n step 1 can be divided}}
    affine.parallel (%j) = (0) to (symbol(%n)) {
    }
  }
  return
}
