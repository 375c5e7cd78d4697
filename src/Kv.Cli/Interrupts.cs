using System.Runtime.InteropServices;

namespace Kv.Cli;

/// <summary>
/// Ctrl-C. It stops what is going on in the innermost scope and the process lives on; outside any scope it
/// ends the process as usual.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly PosixSignalRegistration _registration;

    // Read on the signal's thread, written on the main one.
    private volatile Scope? _innermost;

    public Interrupts() =>
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);

    /// <summary>Until disposed, Ctrl-C cancels this scope's token.</summary>
    public Scope Begin() => new(this);

    public void Dispose() => _registration.Dispose();

    private void OnSignal(PosixSignalContext context)
    {
        if (_innermost is { } scope)
        {
            context.Cancel = true;
            scope.Cancel();
        }
    }

    internal sealed class Scope : IDisposable
    {
        // Never disposed: it has no timer, and a signal may come at any time.
        private readonly CancellationTokenSource _source = new();
        private readonly Interrupts _owner;
        private readonly Scope? _outer;

        public Scope(Interrupts owner)
        {
            (_owner, _outer) = (owner, owner._innermost);
            owner._innermost = this;
        }

        public CancellationToken Token => _source.Token;

        public void Cancel() => _source.Cancel();

        public void Dispose() => _owner._innermost = _outer;
    }
}
