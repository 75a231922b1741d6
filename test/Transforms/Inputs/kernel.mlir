func.func @f(%b: vector<320xi8>, %team: !sherry.team) {
  %t = sherry.unpack_codes %b words : vector<320xi8> -> vector<16x2x64xi8>
  %n = arith.constant 1 : index
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
  }
  return
}
