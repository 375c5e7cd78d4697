namespace Kv.Cli;

/// <summary>
/// The caller's words cannot be understood. The message is one sentence for a person that says what is
/// wrong and what to write instead. Thrown before anything is sent.
/// </summary>
internal sealed class UsageException(string message) : Exception(message);
