// The DEXes' own SDKs, asked what ours is asked. Usage: node quotes.mjs FOLDER FILE
//
// FOLDER has the packages in node_modules. FILE is {kind, cases}: the kind names an entry of `peers`, a case is the
// `wire` of benchmarks/quote_cases.py. Prints one line of JSON: package with version, the outputs in atoms (null: refused)
// and the seconds that one pass over all answered cases takes, the best of several.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [folder, file] = process.argv.slice(2);
const load = createRequire(resolve(folder, "package.json"));
const bytes = (text) => Buffer.from(text, "base64");

// What Raydium's CurveCalculator takes.
const cpmmArguments = (BN) => (swap) => {
  const reserves = swap.reserves.map((atoms) => new BN(atoms));
  const [input, output] = swap.zeroForOne ? reserves : reserves.reverse();
  const [trade, protocol, fund, creator] = swap.rates.map((rate) => new BN(rate));
  return [new BN(swap.amount), input, output, trade, creator, protocol, fund, swap.creatorOnInput];
};

const peers = {
  whirlpool: {
    name: "@orca-so/whirlpools-core",
    prepare({ swapQuoteByInputToken }) {
      const growth = { feeGrowthOutsideA: 0n, feeGrowthOutsideB: 0n, rewardGrowthsOutside: [0n, 0n, 0n] };
      const untouched = { initialized: false, liquidityNet: 0n, liquidityGross: 0n, ...growth };
      const reward = { emissionsPerSecondX64: 0n, growthGlobalX64: 0n };
      const none = { feeGrowthGlobalA: 0n, feeGrowthGlobalB: 0n, rewardLastUpdatedTimestamp: 0n };
      const withOracle = this.version.startsWith("1.") ? [] : [0n];
      return (swap) => {
        const span = 88 * swap.spacing;
        const arrays = new Map(swap.arrays);
        const home = Math.floor(swap.tick / span) * span;
        const first = !swap.zeroForOne && swap.tick + swap.spacing >= home + span ? home + span : home;
        const used = [];
        for (let start = first; used.length < 3 && arrays.has(start); start += swap.zeroForOne ? -span : span) {
          const ticks = Array(88).fill(untouched);
          for (const [tick, net] of arrays.get(start)) {
            const liquidityNet = BigInt(net);
            const liquidityGross = liquidityNet < 0n ? -liquidityNet : liquidityNet;
            ticks[(tick - start) / swap.spacing] = { initialized: true, liquidityNet, liquidityGross, ...growth };
          }
          used.push({ startTickIndex: start, ticks });
        }
        const pool = {
          feeTierIndexSeed: new Uint8Array([swap.spacing & 255, swap.spacing >> 8]),
          tickSpacing: swap.spacing,
          feeRate: swap.fee,
          protocolFeeRate: 0,
          liquidity: BigInt(swap.liquidity),
          sqrtPrice: BigInt(swap.price),
          tickCurrentIndex: swap.tick,
          rewardInfos: [reward, reward, reward],
          ...none,
        };
        const amount = BigInt(swap.amount);
        const accounts = withOracle.length ? [pool, undefined, used] : [pool, used];
        return () => {
          const quote = swapQuoteByInputToken(amount, swap.zeroForOne, 0, ...accounts, ...withOracle);
          return quote.tokenIn === amount ? quote.tokenEstOut : null;
        };
      };
    },
  },

  raydium_clmm: {
    name: "@raydium-io/raydium-sdk-v2",
    prepare(sdk) {
      const { PublicKey } = load("@solana/web3.js");
      const BN = load("bn.js");
      const programId = new PublicKey("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK");
      const extension = { positiveTickArrayBitmap: [], negativeTickArrayBitmap: [] };
      return (swap) => {
        const poolInfo = sdk.PoolInfoLayout.decode(bytes(swap.pool));
        const configInfo = sdk.ClmmConfigLayout.decode(bytes(swap.config));
        const current = Math.floor(poolInfo.tickCurrent / poolInfo.tickSpacing / 60) * poolInfo.tickSpacing * 60;
        const sign = swap.zeroForOne ? -1 : 1;
        const tickArrays = swap.arrays
          .map((text) => ({ address: programId, value: sdk.TickArrayLayout.decode(bytes(text)) }))
          .filter(({ value }) => (value.startTickIndex - current) * sign >= 0)
          .sort((a, b) => (a.value.startTickIndex - b.value.startTickIndex) * sign);
        const given = {
          programId,
          poolId: programId,
          poolInfo,
          tickArrays,
          configInfo,
          tickarrayBitmapExtension: extension,
          amountSpecified: new BN(swap.amount),
          sqrtPriceLimitX64: new BN(0),
          zeroForOne: swap.zeroForOne,
          isBaseInput: true,
          blockTimestamp: 1_784_000_000,
          includeExtraTickArrays: false,
        };
        return () => {
          const { allTrade, amountCalculated } = sdk.swapInternal(given);
          return allTrade ? amountCalculated : null;
        };
      };
    },
  },

  raydium_cpmm: {
    name: "@raydium-io/raydium-sdk-v2",
    prepare({ CurveCalculator }) {
      const given = cpmmArguments(load("bn.js"));
      return (swap) => {
        const all = given(swap);
        return () => CurveCalculator.swapBaseInput(...all).outputAmount;
      };
    },
  },

  // Of the same swaps: what the pool's reserves are after, the token that came in first.
  raydium_cpmm_after: {
    name: "@raydium-io/raydium-sdk-v2",
    prepare({ CurveCalculator }) {
      const given = cpmmArguments(load("bn.js"));
      return (swap) => () => {
        const told = CurveCalculator.swapBaseInput(...given(swap));
        const left = told.tradeFee.sub(told.protocolFee).sub(told.fundFee);
        return `${told.newInputVaultAmount.add(left)} ${told.newOutputVaultAmount}`;
      };
    },
  },

  raydium_amm_v4: {
    name: "@raydium-io/raydium-sdk-v2",
    prepare() {
      const { default: Liquidity } = load("@raydium-io/raydium-sdk-v2/lib/raydium/liquidity/liquidity.js");
      const BN = load("bn.js");
      const mint = (address) => ({ address, decimals: 6 });
      return (swap) => {
        const [baseReserve, quoteReserve] = swap.reserves.map((atoms) => new BN(atoms));
        const poolInfo = { version: 4, mintA: mint("a"), mintB: mint("b"), baseReserve, quoteReserve };
        const [mintIn, mintOut] = swap.zeroForOne ? ["a", "b"] : ["b", "a"];
        const given = { poolInfo, amountIn: new BN(swap.amount), mintIn, mintOut, slippage: 0 };
        return () => Liquidity.prototype.computeAmountOut.call(null, given).amountOut;
      };
    },
  },

  meteora_dlmm: {
    name: "@meteora-ag/dlmm",
    prepare(sdk) {
      const BN = load("bn.js");
      const { PublicKey } = load("@solana/web3.js");
      const coder = accountsOf(sdk.IDL);
      const mint = () => ({ mint: { tlvData: Buffer.alloc(0) } });
      const clock = { epoch: new BN(900) };
      return (swap) => {
        Date.now = () => swap.unixTimeS * 1000; // the SDK reads the machine's clock, the program the chain's
        const lbPair = coder.decode("lbPair", bytes(swap.pair));
        const binArrays = swap.arrays.map((text) => ({
          publicKey: PublicKey.default,
          account: coder.decode("binArray", bytes(text)),
        }));
        const pool = { tokenX: mint(), tokenY: mint(), clock, lbPair, binArrayBitmapExtension: null };
        const [amount, slippage] = [new BN(swap.amount), new BN(0)];
        return () => sdk.prototype.swapQuote.call(pool, amount, swap.zeroForOne, slippage, binArrays).outAmount;
      };
    },
  },

  meteora_damm_v2: {
    name: "@meteora-ag/cp-amm-sdk",
    prepare({ CpAmmIdl, swapQuoteExactInput }) {
      const BN = load("bn.js");
      const coder = accountsOf(CpAmmIdl);
      return (swap) => {
        const pool = coder.decode("pool", bytes(swap.pool));
        const [point, amount] = [new BN(swap.point), new BN(swap.amount)];
        return () => swapQuoteExactInput(pool, point, amount, 0, swap.zeroForOne, false, 9, 6).outputAmount;
      };
    },
  },

  pump_swap: {
    name: "@pump-fun/pump-swap-sdk",
    prepare({ buyQuoteInput, sellBaseInput }) {
      const BN = load("bn.js");
      const { PublicKey } = load("@solana/web3.js");
      const rates = ([lp, protocol, creator]) => ({
        lpFeeBps: new BN(lp),
        protocolFeeBps: new BN(protocol),
        creatorFeeBps: new BN(creator),
      });
      return (swap) => {
        const tiers = swap.tiers.map(([cap, fees]) => ({ marketCapLamportsThreshold: new BN(cap), fees: rates(fees) }));
        const none = rates([0, 0, 0]);
        const given = {
          slippage: 0,
          baseReserve: new BN(swap.base),
          quoteReserve: new BN(swap.quote),
          globalConfig: { creatorFeeConfigurable: true },
          baseMintAccount: { supply: BigInt(swap.supply) },
          baseMint: new PublicKey(Buffer.from(swap.mint, "hex")),
          creator: new PublicKey(Buffer.from(swap.authority, "hex")),
          coinCreator: swap.creatorBps === 0 ? PublicKey.default : new PublicKey(Buffer.alloc(32, 9)),
          creatorFeeBps: new BN(swap.creatorBps ?? 0),
          feeConfig: { flatFees: none, feeTiers: tiers, stableFeeTiers: [], exoticFlatFees: none },
        };
        const amount = new BN(swap.amount);
        return swap.zeroForOne
          ? () => sellBaseInput({ ...given, base: amount }).uiQuote
          : () => buyQuoteInput({ ...given, quote: amount }).base;
      };
    },
  },
};

function accountsOf(idl) {
  const { BorshAccountsCoder } = load("@coral-xyz/anchor");
  const { convertIdlToCamelCase } = load("@coral-xyz/anchor/dist/cjs/idl.js");
  return new BorshAccountsCoder(convertIdlToCamelCase(idl));
}

function answer(call) {
  try {
    return call()?.toString() ?? null;
  } catch {
    return null;
  }
}

function bestPass(calls) {
  let best = Infinity;
  for (const end = performance.now() + 1500; performance.now() < end; ) {
    const start = performance.now();
    for (const call of calls) call();
    best = Math.min(best, performance.now() - start);
  }
  return best / 1000;
}

const { kind, timed, cases } = JSON.parse(readFileSync(file));
const peer = peers[kind];
peer.version = JSON.parse(readFileSync(join(folder, "node_modules", peer.name, "package.json"))).version;
const prepare = peer.prepare(load(peer.name));
const calls = cases.map(prepare);
const outs = calls.map(answer);
const seconds = timed ? bestPass(calls.filter((_, at) => outs[at] !== null)) : null;
process.stdout.write(JSON.stringify({ peer: `${peer.name} ${peer.version}`, outs, seconds }));
