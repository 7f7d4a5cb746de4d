//! Real servers, certificates and scripted peers for tests.
