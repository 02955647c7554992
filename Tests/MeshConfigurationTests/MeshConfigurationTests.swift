// Tests of this module arrive with its first type.
