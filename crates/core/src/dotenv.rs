//! dotenv.
